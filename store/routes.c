// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * routes.c - see routes.h.
 */
#include "store/routes.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define GATEWAY 0x2 /* RTF_GATEWAY, RTF_REJECT, RTF_LOCAL of linux/route.h and linux/ipv6_route.h */
#define REJECT 0x200
#define LOCAL 0x80000000u

struct route {
	uint8_t prefix[16];
	uint8_t bits;
	uint8_t family;
	uint8_t way; /* enum route_way */
};

static enum route_way way_of(const struct links *links, const char *name, unsigned flags)
{
	const struct link *link = links_find(links, name);

	if (flags & LOCAL || strcmp(name, "lo") == 0)
		return ROUTE_SELF;
	/* One we know nothing of came late, as those of containers do. */
	if (!link || link->kind == LINK_INSIDE)
		return ROUTE_INSIDE;
	return flags & GATEWAY ? ROUTE_FAR : ROUTE_NEAR;
}

/* "eth0 0008A8C0 00000000 0001 0 0 0 00FFFFFF ...": addresses as the bytes lie in memory. */
static bool parse4(struct route *r, const struct links *links, const char *line)
{
	unsigned prefix, gateway, flags, mask;
	char name[LINKS_NAME_SIZE];

	if (sscanf(line, "%15s %x %x %x %*s %*s %*s %x", name, &prefix, &gateway, &flags, &mask) != 5 ||
	    flags & REJECT)
		return false;
	memcpy(r->prefix, &prefix, sizeof(prefix));
	r->bits = (uint8_t)__builtin_popcount(mask);
	r->family = AF_INET;
	r->way = (uint8_t)way_of(links, name, flags & ~LOCAL);
	return true;
}

static bool parse_hex(uint8_t bytes[16], const char *text)
{
	unsigned byte;
	int i;

	for (i = 0; i < 16; i++, text += 2) {
		if (sscanf(text, "%2x", &byte) != 1)
			return false;
		bytes[i] = (uint8_t)byte;
	}
	return true;
}

/* What every interface has once says nothing about where an address is. */
static bool is_everywhere(const struct route *r)
{
	return r->bits >= 8 &&
	       (r->prefix[0] == 0xff || (r->prefix[0] == 0xfe && (r->prefix[1] & 0xc0) == 0x80));
}

/* "prefix bits source bits gateway metric references use flags name" */
static bool parse6(struct route *r, const struct links *links, const char *line)
{
	char prefix[33], name[LINKS_NAME_SIZE];
	unsigned bits, flags;

	if (sscanf(line, "%32s %x %*s %*s %*s %*s %*s %*s %x %15s", prefix, &bits, &flags, name) != 4 ||
	    flags & REJECT || bits > 128 || strlen(prefix) != 32 || !parse_hex(r->prefix, prefix))
		return false;
	r->bits = (uint8_t)bits;
	r->family = AF_INET6;
	r->way = (uint8_t)way_of(links, name, flags);
	return !is_everywhere(r);
}

/* Add what file says. One that is not there (no IPv6) has no routes. */
static void read_table(struct routes *t, const char *net_dir, const char *file, const struct links *links,
		       bool (*parse)(struct route *, const struct links *, const char *line))
{
	char path[PATH_MAX], line[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", net_dir, file);
	f = fopen(path, "re");
	while (f && t->count < ROUTES_MAX && fgets(line, sizeof(line), f)) {
		memset(&t->route[t->count], 0, sizeof(t->route[0]));
		t->count += parse(&t->route[t->count], links, line);
	}
	if (f)
		fclose(f);
}

static int longest_first(const void *a, const void *b)
{
	return ((const struct route *)b)->bits - ((const struct route *)a)->bits;
}

int routes_read(struct routes *t, const char *net_dir, const struct links *links)
{
	struct routes fresh = {.route = malloc(ROUTES_MAX * sizeof(struct route))};
	struct route *fits;

	if (!fresh.route)
		return -ENOMEM;
	read_table(&fresh, net_dir, "route", links, parse4);
	read_table(&fresh, net_dir, "ipv6_route", links, parse6);
	qsort(fresh.route, fresh.count, sizeof(struct route), longest_first);
	fits = realloc(fresh.route, (fresh.count + 1) * sizeof(struct route));
	if (fits)
		fresh.route = fits;
	routes_free(t);
	*t = fresh;
	return 0;
}

void routes_free(struct routes *t)
{
	free(t->route);
	memset(t, 0, sizeof(*t));
}

static bool matches(const struct route *r, int family, const uint8_t *addr)
{
	size_t whole = r->bits / 8, rest = r->bits % 8;

	return r->family == family && memcmp(r->prefix, addr, whole) == 0 &&
	       (rest == 0 || (r->prefix[whole] ^ addr[whole]) >> (8 - rest) == 0);
}

bool routes_loopback(int family, const uint8_t addr[16])
{
	static const uint8_t one[16] = {[15] = 1};

	return family == AF_INET ? addr[0] == 127 : memcmp(addr, one, sizeof(one)) == 0;
}

enum route_way routes_find(const struct routes *t, int family, const uint8_t addr[16])
{
	size_t i;

	if (routes_loopback(family, addr))
		return ROUTE_SELF;
	for (i = 0; i < t->count; i++)
		if (matches(&t->route[i], family, addr))
			return t->route[i].way;
	return ROUTE_NONE;
}
