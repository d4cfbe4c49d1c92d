// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ignore.c - see ignore.h. A string is, in this order: an address or a network, a SHA-256, a domain in
 * natural order (a dot in front), a domain in reverse notation. What looks like one of the first but is not
 * is refused rather than taken for a domain that will never match.
 */
#include "config/ignore.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/utf8.h"

#define DOMAIN_MAX 253
#define LABEL_MAX 63

static unsigned address_bits(int family)
{
	return family == AF_INET ? 32 : 128;
}

static void mask_address(uint8_t addr[16], unsigned prefix)
{
	unsigned i;

	for (i = 0; i < 16; i++) {
		unsigned bits = prefix > i * 8 ? prefix - i * 8 : 0;

		if (bits < 8)
			addr[i] &= (uint8_t)(0xff00 >> bits);
	}
}

/* Flows of v4-mapped sockets are AF_INET, so a mapped rule has to be. */
static void unmap(struct ignore_rule *rule)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	if (rule->family != AF_INET6 || rule->prefix < 96 || memcmp(rule->addr, mapped, 12) != 0)
		return;
	memmove(rule->addr, rule->addr + 12, 4);
	memset(rule->addr + 4, 0, 12);
	rule->family = AF_INET;
	rule->prefix -= 96;
}

static int parse_prefix(const char *text, unsigned max, unsigned *prefix)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)text[0]) || strlen(text) > 3 || *end != '\0' || value > max)
		return -EINVAL;
	*prefix = (unsigned)value;
	return 0;
}

static int parse_net(struct ignore_rule *rule, const char *text, char *why, size_t size)
{
	char host[INET6_ADDRSTRLEN + 1], right[INET6_ADDRSTRLEN + 5];
	size_t len = strcspn(text, "/");
	uint8_t given[16];

	if (len >= sizeof(host))
		return 1;
	memcpy(host, text, len);
	host[len] = '\0';
	rule->family = strchr(host, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(rule->family, host, rule->addr) != 1)
		return 1;
	rule->kind = IGNORE_NET;
	rule->prefix = address_bits(rule->family);
	if (text[len] == '/' && parse_prefix(text + len + 1, rule->prefix, &rule->prefix) < 0) {
		snprintf(why, size, "a prefix from 0 to %u behind the /", address_bits(rule->family));
		return -EINVAL;
	}
	memcpy(given, rule->addr, sizeof(given));
	mask_address(rule->addr, rule->prefix);
	if (memcmp(given, rule->addr, sizeof(given)) != 0) {
		settings_rule_text(rule, right, sizeof(right));
		snprintf(why, size, "no bits behind the prefix: the network is %s", right);
		return -EINVAL;
	}
	unmap(rule);
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse_sha256(struct ignore_rule *rule, const char *text)
{
	size_t i;

	if (strlen(text) != 64)
		return 1;
	for (i = 0; i < 32; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return 1;
		rule->sha256[i] = (uint8_t)(high << 4 | low);
	}
	rule->kind = IGNORE_SHA256;
	return 0;
}

static bool label_ok(const char *label, size_t len)
{
	size_t i;

	if (len == 0 || len > LABEL_MAX)
		return false;
	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)label[i];

		if (c < 0x80 && !isalnum(c) && c != '-' && c != '_')
			return false;
	}
	return true;
}

static bool labels_ok(const char *domain)
{
	size_t len;

	if (strlen(domain) > DOMAIN_MAX)
		return false;
	for (;; domain += len + 1) {
		len = strcspn(domain, ".");
		if (!label_ok(domain, len))
			return false;
		if (domain[len] == '\0')
			return true;
	}
}

/* "com.example.www" to "www.example.com". */
static void reverse_labels(char *dst, const char *src)
{
	size_t len = strlen(src), label;

	dst += len;
	*dst = '\0';
	for (;;) {
		label = strcspn(src, ".");
		dst -= label;
		memcpy(dst, src, label);
		if (src[label] == '\0')
			return;
		*--dst = '.';
		src += label + 1;
	}
}

static int parse_domain(struct ignore_rule *rule, const char *text)
{
	bool natural = text[0] == '.';
	const char *name = text + natural;
	char *domain, *p;

	if (!labels_ok(name))
		return 1;
	domain = malloc(strlen(name) + 1);
	if (!domain)
		return -ENOMEM;
	if (natural)
		memcpy(domain, name, strlen(name) + 1);
	else
		reverse_labels(domain, name);
	for (p = domain; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	rule->kind = IGNORE_DOMAIN;
	rule->domain = domain;
	return 0;
}

int ignore_parse(struct ignore_rule *rule, const char *text, char *why, size_t size)
{
	int rc;

	memset(rule, 0, sizeof(*rule));
	rc = parse_net(rule, text, why, size);
	if (rc > 0)
		rc = parse_sha256(rule, text);
	if (rc <= 0)
		return rc;
	memset(rule, 0, sizeof(*rule));
	if (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0') {
		snprintf(why, size, "a port as a number without quotes");
		return -EINVAL;
	}
	if (text[0] != '\0' && (strpbrk(text, "/:") || text[strspn(text, "0123456789.")] == '\0')) {
		snprintf(why, size, "an address like \"192.0.2.1\", a network like \"2001:db8::/32\"");
		return -EINVAL;
	}
	rc = parse_domain(rule, text);
	if (rc > 0) {
		snprintf(why, size,
			 "an address, a network, a SHA-256 in hex, a domain \".example.com\" or in reverse "
			 "notation \"com.example\"");
		return -EINVAL;
	}
	return rc;
}

static bool is_common_tld(const char *label, size_t len)
{
	static const char *const tlds[] = {"com", "net", "org", "edu", "gov", "mil", "info", "biz"};
	size_t i;

	for (i = 0; i < sizeof(tlds) / sizeof(tlds[0]); i++)
		if (strlen(tlds[i]) == len && strncasecmp(tlds[i], label, len) == 0)
			return true;
	return false;
}

bool ignore_looks_natural(const char *text)
{
	const char *last = strrchr(text, '.');

	return last && text[0] != '.' && is_common_tld(last + 1, strlen(last + 1)) &&
	       !is_common_tld(text, strcspn(text, "."));
}

static bool in_net(const struct ignore_rule *rule, const uint8_t addr[16])
{
	unsigned whole = rule->prefix / 8, rest = rule->prefix % 8;

	if (memcmp(rule->addr, addr, whole) != 0)
		return false;
	return rest == 0 || ((rule->addr[whole] ^ addr[whole]) & (0xff00 >> rest) & 0xff) == 0;
}

/* Equal, or below: the byte before the match is a dot. len: of name, without a final dot. */
static bool in_domain(const char *domain, const char *name, size_t len)
{
	size_t tail = strlen(domain);

	if (len < tail || strncasecmp(name + len - tail, domain, tail) != 0)
		return false;
	return len == tail || name[len - tail - 1] == '.';
}

bool settings_ignored(const struct settings *s, int family, const uint8_t laddr[16], const uint8_t raddr[16],
		      uint16_t lport, uint16_t rport, const uint8_t sha256[32], const char *resolved_domain)
{
	size_t domain_len = resolved_domain ? strlen(resolved_domain) : 0, i;

	if (domain_len > 0 && resolved_domain[domain_len - 1] == '.')
		domain_len--;
	for (i = 0; i < s->n_ignore; i++) {
		const struct ignore_rule *rule = &s->ignore[i];
		bool hit = false;

		switch (rule->kind) {
		case IGNORE_NET:
			hit = rule->family == family && (in_net(rule, raddr) || in_net(rule, laddr));
			break;
		case IGNORE_PORT:
			hit = rule->port == lport || rule->port == rport;
			break;
		case IGNORE_SHA256:
			hit = sha256 && memcmp(rule->sha256, sha256, 32) == 0;
			break;
		case IGNORE_DOMAIN:
			hit = domain_len > 0 && in_domain(rule->domain, resolved_domain, domain_len);
			break;
		}
		if (hit)
			return true;
	}
	return false;
}

int settings_rule_text(const struct ignore_rule *rule, char *buf, size_t size)
{
	char text[INET6_ADDRSTRLEN], shown[4 * DOMAIN_MAX + 1];
	unsigned i;

	switch (rule->kind) {
	case IGNORE_NET:
		if (!inet_ntop(rule->family, rule->addr, text, sizeof(text)))
			return -errno;
		if (rule->prefix == address_bits(rule->family))
			return snprintf(buf, size, "%s", text);
		return snprintf(buf, size, "%s/%u", text, rule->prefix);
	case IGNORE_PORT:
		return snprintf(buf, size, "port %u", rule->port);
	case IGNORE_SHA256:
		if (size < 96)
			return -ENOSPC;
		strcpy(buf, "SHA-256 ");
		for (i = 0; i < 32; i++)
			sprintf(buf + 8 + 2 * i, "%02x", rule->sha256[i]);
		return 72;
	case IGNORE_DOMAIN:
		utf8_escape(shown, sizeof(shown), rule->domain, strlen(rule->domain));
		return snprintf(buf, size, "domain %s and below", shown);
	}
	return -EINVAL;
}
