/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * feed.h - what is there to tell whom: rows of the table event, read from snitch.db, which it opens read-only
 * and only for as long as it reads. A user is shown what his own processes did and what nobody muted for him;
 * an administrator (root, the group femtosnitch) everything.
 *
 * A program with new contents is told once it is known which package brought them: that is asked when it
 * runs, and takes longest while a package is being installed, when most programs change. It is held back for
 * FEED_HOLD_S at most, FEED_HELD of them at a time; nobody else waits for it.
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

#define FEED_HELD 64
#define FEED_HOLD_S 45

struct feed_reader {
	uid_t uid;
	bool all;		 /* an administrator */
	int64_t last;		 /* he was told of what came up to here, but for what is held */
	int64_t held[FEED_HELD]; /* ids that are held back, rising */
	size_t n_held;
};

/* Where lines for a reader go: one JSON object each, with its newline. False: no more of it. */
typedef bool feed_line(void *arg, const char *line, size_t len);

/* Tell the reader what came behind reader->last, which moves on, and what need not be held any longer.
 * waited: he was not there when it came, so that many become one. "seen" of a line is what he is to say when
 * he comes again. 0, or -EIO. */
int feed_tell(struct feed *, struct feed_reader *, bool waited, feed_line *, void *arg);

#endif
