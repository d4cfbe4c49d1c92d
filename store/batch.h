/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * batch.h - the traffic that is not written yet: one entry per image, peer, its name, maker of the socket and
 * manner, with sums. No I/O.
 *
 * Memory is taken as it is needed and given back by batch_trim(). Bound: BATCH_MAX entries, 200 bytes each;
 * the store writes early at BATCH_EARLY, so the space above is used only while snitch.db cannot be written.
 */
#ifndef FEMTOSNITCH_STORE_BATCH_H
#define FEMTOSNITCH_STORE_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"
#include "store/images.h"
#include "store/names.h"

#define BATCH_EARLY 32768
#define BATCH_MAX 65536

/* Hashed and compared as bytes: no padding. */
struct batch_key {
	struct image *image;   /* NULL = nobody described it */
	struct place *creator; /* where the socket was made; NULL = where the image runs, or unknown */
	struct names_of names;
	uint8_t laddr[WIRE_ADDR_SIZE];
	uint8_t raddr[WIRE_ADDR_SIZE];
	uint32_t uid;
	uint32_t netns;
	int32_t lport; /* -1: an execution, not traffic */
	int32_t rport;
	uint32_t creator_uid; /* who made the socket */
	uint16_t family;
	uint16_t protocol;
	int8_t direction;      /* enum wire_direction, SCHEMA_NONE */
	uint8_t result;	       /* enum wire_result */
	int8_t peer;	       /* enum wire_peer, SCHEMA_NONE, SCHEMA_OFF */
	uint8_t addresses_off; /* laddr, raddr are switched off, not unknown */
	uint32_t apart; /* of one connection alone, while it is not certain that it is to be written; 0: it is
			 */
};

struct batch_sums {
	int64_t first_s; /* unix seconds */
	int64_t last_s;
	uint64_t sent_bytes;
	uint64_t received_bytes;
	uint64_t sniffed_bytes;
	uint64_t tunnel_sent_bytes;
	uint64_t tunnel_received_bytes;
	uint32_t events;      /* sockets, or executions */
	uint32_t connections; /* of these, those not counted in an earlier window */
};

struct batch_entry {
	struct batch_key key;
	struct batch_sums sums;
	/* of the last socket added */
	uint64_t cookie; /* its next record is not another event */
	uint64_t connection;
	struct wire_image_key user;
	uint16_t rport; /* key's, where ports are not switched off */
	bool ended;
};

struct batch;
struct batch *batch_new(struct images *, struct names *, size_t max); /* both are kept. NULL: no memory */
void batch_free(struct batch *);

/* Add to the entry of e->key, which takes its own references to the image, the place and the names. 0, or
 * -ENOSPC at the bound, -ENOMEM: nothing was added. cookie 0 = each call is an event of its own. */
int batch_add(struct batch *, const struct batch_entry *e);

/* Look at each entry once more: revise may set names that its key lacks (borrowed ones); false drops it. */
void batch_revise(struct batch *, bool (*revise)(void *arg, struct batch_entry *), void *arg);

size_t batch_count(const struct batch *);
size_t batch_foreign(const struct batch *); /* entries that are not about programs of ours */
const struct batch_entry *batch_entries(const struct batch *); /* in the order of their first record */
void batch_clear(struct batch *);
void batch_trim(struct batch *); /* the memory of an empty one */

#endif
