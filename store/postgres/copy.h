/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * copy.h - takes windows out of snitch.db, in order, as batches for a link, and knows which of them are
 * there.
 *
 * Memory: two batches are never held at once: libpq has copied one when the next is made. A batch is at most
 * COPY_FLOWS flows, or COPY_WINDOWS windows, or about COPY_BYTES of text; a larger window takes several.
 */
#ifndef FEMTOSNITCH_STORE_POSTGRES_COPY_H
#define FEMTOSNITCH_STORE_POSTGRES_COPY_H

#include "store/history.h"
#include "store/postgres/link.h"

#define COPY_FLOWS 1000
#define COPY_WINDOWS 128
#define COPY_BYTES (512 * 1024)

/* How far; windows up to seq are whole, and of the next one flows up to flow. */
struct copy_mark {
	int64_t seq, flow;
};

struct copy;
/* Opens snitch.db in that directory. NULL after *why was filled (size bytes). */
struct copy *copy_open(const char *state_dir, char *why, size_t size);
void copy_close(struct copy *);

/* Begin behind a window that is there. Images are sent again. */
void copy_from(struct copy *, int64_t seq);

/* The next batch, valid until the next call. 1: *batch, 0: nothing waits, -errno: copy_why(). */
int copy_next(struct copy *, const struct link_batch **batch, struct copy_mark *to);

/* What waits behind seq: flows, and seconds since the oldest window of them was written. 0 or -errno. */
int copy_behind(struct copy *, int64_t seq, int64_t now_s, uint64_t *flows, uint64_t *seconds);
int64_t copy_newest(struct copy *); /* number of the newest window, 0 = there is none */
int64_t copy_cursor(struct copy *); /* windows up to it are there, as snitch.db knows */
uint64_t copy_file(const struct copy *); /* inode number of that snitch.db */
bool copy_is_stale(struct copy *);	 /* another one is in its place */
const char *copy_why(const struct copy *);

#endif
