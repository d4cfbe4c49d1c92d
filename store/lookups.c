// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/lookups.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "store/mix.h"

struct asked {
	uint8_t addr[WIRE_ADDR_SIZE];
	uint16_t family; /* 0: none */
	int64_t time_s;
};

struct lookups {
	struct frame_writer *out;
	struct asked *asked; /* LOOKUPS_MAX of them, NULL: nothing was asked yet */
};

struct lookups *lookups_new(struct frame_writer *out)
{
	struct lookups *l = calloc(1, sizeof(*l));

	if (l)
		l->out = out;
	return l;
}

void lookups_free(struct lookups *l)
{
	if (l)
		free(l->asked);
	free(l);
}

static bool has_owner_4(const uint8_t *addr)
{
	return addr[0] != 0 && addr[0] != 127 && addr[0] < 224 && !(addr[0] == 169 && addr[1] == 254);
}

static bool has_owner_6(const uint8_t *addr)
{
	static const uint8_t low[15]; /* ::, ::1 */

	return memcmp(addr, low, sizeof(low)) != 0 && addr[0] != 0xff &&
	       !(addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80);
}

static struct asked *place_of(struct lookups *l, const struct wire_flow *f)
{
	return &l->asked[mix(f->family, f->raddr, WIRE_ADDR_SIZE) & (LOOKUPS_MAX - 1)];
}

void lookups_ask(struct lookups *l, const struct wire_flow *f, int64_t now_s)
{
	struct wire_lookup lookup = {.family = f->family};
	struct asked *a;

	if (f->direction == WIRE_DIRECTION_IN)
		return;
	if (!(f->family == AF_INET && has_owner_4(f->raddr)) &&
	    !(f->family == AF_INET6 && has_owner_6(f->raddr)))
		return;
	if (!l->asked && !(l->asked = calloc(LOOKUPS_MAX, sizeof(*l->asked))))
		return;
	a = place_of(l, f);
	if (a->family == f->family && memcmp(a->addr, f->raddr, sizeof(a->addr)) == 0 && now_s >= a->time_s &&
	    now_s < a->time_s + LOOKUPS_AGAIN_S)
		return;
	memcpy(lookup.addr, f->raddr, sizeof(lookup.addr));
	if (frame_put(l->out, WIRE_LOOKUP, &lookup, sizeof(lookup), NULL, 0) != 0)
		return;
	memcpy(a->addr, f->raddr, sizeof(a->addr));
	a->family = f->family;
	a->time_s = now_s;
}
