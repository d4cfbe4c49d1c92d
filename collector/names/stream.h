/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream.h - the beginnings of connections that are not whole yet: a ClientHello over several sends, a DNS
 * message over several reads. No I/O.
 *
 * Bounds: STREAMS_MAX at once, STREAM_BYTES each. Past the first the one that has waited longest gives way;
 * that is counted if it could still have gone on. What is longer than the second is given up, and counted.
 */
#ifndef FEMTOSNITCH_NAMES_STREAM_H
#define FEMTOSNITCH_NAMES_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"
#include "collector/names/quic.h"

#define STREAMS_MAX 64
#define STREAM_BYTES 16640 /* a record of TLS with its head, or what is looked at of a DNS message */

enum stream_kind {
	STREAM_FREE,
	STREAM_TLS,
	STREAM_HTTP,
	STREAM_DNS, /* over TCP */
	STREAM_QUIC
};

struct stream {
	enum stream_kind kind;
	bool received; /* the direction */
	uint64_t cookie;
	uint64_t next; /* offset of the next byte */
	wire_ns time_ns;
	/* QUIC: one UDP socket may talk to several */
	uint8_t raddr[WIRE_ADDR_SIZE];
	uint16_t rport;
	struct quic *quic;
	uint8_t *data; /* what came so far and is of use */
	size_t len, size;
};

struct streams;

struct streams *streams_new(void);   /* NULL: no memory */
void streams_free(struct streams *); /* NULL is fine */

/* That which this payload goes on with, NULL: none. One that has a gap before the payload ends here. */
struct stream *streams_find(struct streams *, const struct wire_payload *);

/* A new one, which this payload begins. Never NULL: another one gives way. */
struct stream *streams_begin(struct streams *, const struct wire_payload *, enum stream_kind);

/* More bytes. False: there are too many, or there is no memory; the stream has ended. */
bool streams_add(struct streams *, struct stream *, const uint8_t *data, size_t len);

/* The first n bytes are done with. */
void streams_drop(struct stream *, size_t n);

void streams_end(struct stream *);
void streams_give_up(struct streams *, struct stream *); /* the same, and it is counted */

/* Streams that were given up since it was asked last. */
uint64_t streams_lost(struct streams *);

#endif
