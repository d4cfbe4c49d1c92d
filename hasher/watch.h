/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch.h - the fanotify groups: three hear of every file opened to be executed on a marked filesystem, one
 * of modifications of the files that were. All only listen (FAN_CLASS_NOTIF): nobody ever waits for us.
 *
 * To read an event is to open its file, and that may wait for whoever serves it. So there is a group for
 * filesystems that answer by themselves (near), read by the loop, and one for each greater distance
 * (distance.h), read by a thread that may hang (far.h).
 *
 * The way of an event's fd: the kernel opens it when an event is read; who gets it from the listener owns it
 * and closes it at once, or hands it to the hashing thread, which closes it after the last byte.
 */
#ifndef FEMTOSNITCH_HASHER_WATCH_H
#define FEMTOSNITCH_HASHER_WATCH_H

#include "bpf/wire.h"
#include "hasher/distance.h"

struct watch;

struct watch_listener {
	void (*executed)(void *arg, __u32 tgid, int fd); /* owns fd */
	void (*modified)(void *arg, __u32 tgid, int fd); /* owns fd; NULL: leave them in the queue */
	void *arg;
};

/* Events of one read. Each costs an fd before we see the first of them: few at a time. */
#define WATCH_EVENTS 32

struct watch_event {
	__u32 tgid;
	int fd;
};

/* What did not reach us, since the start. */
struct watch_losses {
	__u64 overflows; /* times the kernel's queue was full: an unknown number of events each */
	__u64 unread;	 /* events whose file could not be opened */
};

/* NULL: errno says why. The modification group may be missing; that is logged. */
struct watch *watch_new(void);
void watch_free(struct watch *); /* NULL is fine; all marks go with it */

enum watch_group { /* of exec events by their distance */
	WATCH_NEAR = DISTANCE_NEAR,
	WATCH_MODIFIED = DISTANCE__MAX,
	WATCH__GROUPS
};

int watch_fd(const struct watch *, unsigned group); /* readable: events; -1: there is none */

/* Read all that is queued now, but what is not near. The number of events. */
unsigned watch_drain(struct watch *, const struct watch_listener *);

/* Read at most WATCH_EVENTS events of that distance; may wait for a server, and may be called from another
 * thread. Their number; the caller owns the fds and passes on what was lost (watch_lost). */
unsigned watch_read_far(const struct watch *, enum distance, struct watch_event *, struct watch_losses *);
void watch_lost(struct watch *, const struct watch_losses *);
void watch_close_far(struct watch *, enum distance); /* give up: nobody reads any more */

/* Watch the filesystem of path. May wait for a server, and may be called from any thread. 0 or -errno. */
int watch_mark_filesystem(const struct watch *, enum distance, const char *path);

/* Watch this file for modification / stop watching it. */
void watch_mark_file(struct watch *, int fd);
void watch_unmark_file(struct watch *, int fd);

struct watch_losses watch_losses(const struct watch *);

#endif
