// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/domain.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#define HOST_MAX 255 /* RFC 1035, 2.3.4 */

/* One byte of a label. No locale: a name means the same everywhere. */
static char *put_byte(char *to, uint8_t byte)
{
	if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_') {
		*to++ = (char)byte;
	} else if (byte >= 'A' && byte <= 'Z') {
		*to++ = (char)(byte - 'A' + 'a');
	} else {
		*to++ = '\\';
		*to++ = (char)('0' + byte / 100);
		*to++ = (char)('0' + byte / 10 % 10);
		*to++ = (char)('0' + byte % 10);
	}
	return to;
}

static bool is_address(const void *host, size_t len)
{
	char text[INET6_ADDRSTRLEN + 1];
	struct in6_addr addr;

	if (len >= sizeof(text))
		return false;
	memcpy(text, host, len);
	text[len] = '\0';
	return inet_pton(AF_INET, text, &addr) == 1 || inet_pton(AF_INET6, text, &addr) == 1;
}

size_t domain_of_host(char text[WIRE_DOMAIN_MAX], const void *host, size_t len)
{
	const uint8_t *bytes = host;
	char *to = text;

	if (len > 0 && bytes[len - 1] == '.')
		len--;
	if (len == 0 || len > HOST_MAX || is_address(host, len))
		return 0;
	for (size_t i = 0; i < len; i++) {
		/* a dot that parts nothing is a byte like another */
		if (bytes[i] == '.' && i > 0 && bytes[i - 1] != '.' && i + 1 < len)
			*to++ = '.';
		else
			to = put_byte(to, bytes[i]);
	}
	*to++ = '\0';
	return (size_t)(to - text);
}

size_t domain_of_labels(char text[WIRE_DOMAIN_MAX], const uint8_t *labels)
{
	char *to = text;

	if (*labels == 0)
		return 0;
	for (;;) {
		unsigned len = *labels++;

		while (len-- > 0)
			to = put_byte(to, *labels++);
		if (*labels == 0)
			break;
		*to++ = '.';
	}
	*to++ = '\0';
	return (size_t)(to - text);
}
