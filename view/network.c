// SPDX-License-Identifier: GPL-2.0-or-later
/* network.c - see network.h. */
#include "view/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int parse_prefix(const char *text, unsigned max, unsigned *prefix)
{
	*prefix = 0;
	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		*prefix = *prefix * 10 + (unsigned)(*text - '0');
		if (*prefix > max)
			return -EINVAL;
	}
	return 0;
}

int network_parse(const char *text, struct network *net)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	char address[INET6_ADDRSTRLEN];
	const char *slash = text ? strchr(text, '/') : NULL;
	size_t len = text ? (slash ? (size_t)(slash - text) : strlen(text)) : 0;
	unsigned bits;

	if (!text || len >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, len);
	address[len] = '\0';
	memset(net, 0, sizeof(*net));
	net->family = strchr(address, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(net->family, address, net->addr) != 1)
		return -EINVAL;
	bits = net->family == AF_INET6 ? 128 : 32;
	net->prefix = bits;
	if (slash && parse_prefix(slash + 1, bits, &net->prefix))
		return -EINVAL;
	if (net->family == AF_INET6 && net->prefix >= 96 && !memcmp(net->addr, mapped, sizeof(mapped))) {
		net->family = AF_INET;
		memmove(net->addr, net->addr + 12, 4);
		net->prefix -= 96;
		bits = 32;
	}
	net->is_host = net->prefix == bits;
	return 0;
}

bool network_holds(const struct network *net, const struct network *host)
{
	unsigned bytes = net->prefix / 8, rest = net->prefix % 8;

	if (net->family != host->family || memcmp(net->addr, host->addr, bytes) != 0)
		return false;
	return !rest || (net->addr[bytes] ^ host->addr[bytes]) >> (8 - rest) == 0;
}

const char *network_text(const struct network *net, char *text)
{
	if (!inet_ntop(net->family, net->addr, text, NETWORK_TEXT_SIZE))
		text[0] = '\0';
	return text;
}
