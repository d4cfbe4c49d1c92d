/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * copy.h - takes windows out of snitch.db, in order, in batches for a driver. No row is kept here; snitch.db
 * is never held while a server is waited for.
 */
#ifndef FEMTOSNITCH_STORE_COPY_H
#define FEMTOSNITCH_STORE_COPY_H

#include "store/driver.h"

#define COPY_FLOWS 50000 /* of a batch, about: it ends with a window */
#define COPY_WINDOWS 128 /* of a batch */

struct copy;
/* Opens snitch.db in that directory. NULL after *why was filled (size bytes). */
struct copy *copy_open(const char *state_dir, char *why, size_t size);
void copy_close(struct copy *);
bool copy_is_stale(struct copy *);	 /* another file is in its place */
uint64_t copy_file(const struct copy *); /* inode number of this one */
const char *copy_why(const struct copy *);

/* Begin behind a window that is there. Images are sent again. */
void copy_from(struct copy *, int64_t seq);

struct copy_batch {
	const struct history_run *log; /* all of its windows are of this one */
	uint32_t windows;
	int64_t last; /* number of the last of them */
	uint64_t flows;
};

/* Choose the next batch, of one window if single. 1: *batch, 0: nothing waits, -errno: copy_why(). */
int copy_plan(struct copy *, bool single, struct copy_batch *batch);
void copy_windows(struct copy *, const struct driver *, void *link); /* put their rows */

/* Put some of the other rows. 1: it is time to send them and call again, 0: that were all, -errno. */
int copy_rows(struct copy *, const struct driver *, void *link);
void copy_done(struct copy *); /* the batch is there */

/* What waits behind seq: flows, and seconds since the oldest window of them was written. 0 or -errno. */
int copy_behind(struct copy *, int64_t seq, int64_t now_s, uint64_t *flows, uint64_t *seconds);
int64_t copy_newest(struct copy *);		     /* number of the newest window, 0 = there is none */
int64_t copy_cursor(struct copy *, enum wire_stage); /* windows up to it are there, as snitch.db knows */

#endif
