/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answers.h - which names resolvers gave for which addresses, to whom, and for how long. No I/O.
 *
 * Bounds: ANSWERS_MAX (about 130 bytes each, with their name), ANSWERS_PER_ADDRESS for one address; the one
 * renewed longest ago goes first. A connection that begins after its name was forgotten has none, or one that
 * another program was told; its bytes are the same.
 */
#ifndef FEMTOSNITCH_STORE_ANSWERS_H
#define FEMTOSNITCH_STORE_ANSWERS_H

#include "store/images.h"
#include "store/name.h"

#define ANSWERS_MAX 8192
#define ANSWERS_PER_ADDRESS 64
#define ANSWERS_GRACE_S 2 /* from an answer, however short its life, to the connection it was asked for */
/* A week: longer lives are mistakes (RFC 8767); a hosts file has no such end */
#define ANSWERS_TTL_MAX_S 604800

struct answers;
struct answers *answers_new(struct name_table *, struct images *); /* kept, not copied. NULL: no memory */
void answers_free(struct answers *);

/* Of a checked wire_name that is not a claim. 0 or -ENOMEM. */
int answers_add(struct answers *, const struct wire_name *);

/* Who wants to know. */
struct answers_ask {
	struct wire_image_key image;
	const uint8_t *addr;
	uint32_t netns;
	uint16_t family;
	wire_ns begin_ns; /* of the connection: the answer must be older, and still have been good then */
};

/* The best name: what this process was told (or, before it was forked, its parent), then what anybody else in
 * the network namespace was (as WIRE_NAME_SHARED), the hosts file, the owner of the address; of equals the
 * one told last. Of the names that a hosts file has for an address it is the first: hosts(5) calls it
 * canonical. Borrowed until the next call. NULL: none. */
struct name *answers_find(struct answers *, const struct answers_ask *);

/* Has a name server of this machine, or its hosts file, tied this name to that address? To whomever it said
 * so in that network namespace: what one program is told need not be believed of it (names/servers.h). */
bool answers_vouch(const struct answers *, const struct answers_ask *, const char *text);

size_t answers_count(const struct answers *);

#endif
