/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * far.h - exec events of filesystems that may not answer, all of one distance, read and closed by a thread
 * that may hang. After FAR_LIMIT_MS without an answer the event is lost (and counted) and another thread goes
 * on; when CREW_STUCK_MAX threads hang at once, these filesystems are not watched any more, which is said.
 */
#ifndef FEMTOSNITCH_HASHER_FAR_H
#define FEMTOSNITCH_HASHER_FAR_H

#include <stdbool.h>

#include "hasher/watch.h"

#define FAR_LIMIT_MS 300

struct far;

struct far *far_new(struct watch *, enum distance); /* borrows it; NULL: errno says why */
void far_free(struct far *);			    /* NULL is fine */

/* Readable: call far_take(). */
int far_events_fd(const struct far *); /* -1 while the thread reads */
int far_results_fd(const struct far *);

/* Hand out what was read, send the thread for what is queued. */
typedef void far_executed(void *arg, __u32 tgid, int fd, enum distance); /* owns fd */
void far_take(struct far *, far_executed *, void *arg);

/* The same, until nothing is queued: before a record of such a filesystem is looked at. Waits, but no longer
 * than FAR_LIMIT_MS per event that hangs. */
void far_take_all(struct far *, far_executed *, void *arg);

void far_close(struct far *, int fd); /* takes fd; to close is to call the server, too */

void far_check(struct far *); /* now and then: time limits */
bool far_busy(const struct far *);
bool far_gave_up(const struct far *); /* too many threads hang */

#endif
