/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * feed.h - what is there to tell whom: rows of the table event, read from snitch.db, which it opens read-only
 * and only for as long as it reads. A user is shown what his own processes did and what nobody muted for him;
 * an administrator (root, the group femtosnitch) everything.
 */
#ifndef FEMTOSNITCH_STORE_NOTICES_FEED_H
#define FEMTOSNITCH_STORE_NOTICES_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FEED_ONE_BY_ONE 3 /* more that waited for somebody are told as one summary */

struct feed;
struct feed *feed_open(const char *state_dir); /* NULL: cannot be read now */
void feed_close(struct feed *);		       /* NULL is fine */

int64_t feed_last(struct feed *); /* id of the newest event, 0 = none */

struct feed_reader {
	uid_t uid;
	bool all; /* an administrator */
	int64_t last;
};

/* Where lines for a reader go: one JSON object each, with its newline. False: no more of it. */
typedef bool feed_line(void *arg, const char *line, size_t len);

/* Tell the reader what came behind reader->last, which moves on. waited: he was not there when it came, so
 * that many become one. 0, or -EIO. */
int feed_tell(struct feed *, struct feed_reader *, bool waited, feed_line *, void *arg);

#endif
