/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch.h - the two fanotify groups: one hears of every file opened to be executed on a marked filesystem,
 * the other of modifications of the files that were. Both only listen (FAN_CLASS_NOTIF): nobody ever waits
 * for us.
 *
 * The way of an event's fd: the kernel opens it when watch_drain() reads; executed() and modified() own it
 * and close it at once, or hand it to the hashing thread, which closes it after the last byte.
 */
#ifndef FEMTOSNITCH_HASHER_WATCH_H
#define FEMTOSNITCH_HASHER_WATCH_H

#include "bpf/wire.h"

struct watch;

struct watch_listener {
	void (*executed)(void *arg, __u32 tgid, int fd); /* owns fd */
	void (*modified)(void *arg, __u32 tgid, int fd); /* owns fd; NULL: leave them in the queue */
	void *arg;
};

/* What did not reach us, since the start. */
struct watch_losses {
	__u64 overflows; /* times the kernel's queue was full: an unknown number of events each */
	__u64 unread;	 /* events whose file could not be opened */
};

/* NULL: errno says why. The modification group may be missing; that is logged. */
struct watch *watch_new(void);
void watch_free(struct watch *); /* NULL is fine; all marks go with it */

int watch_exec_fd(const struct watch *);   /* readable: programs were executed */
int watch_modify_fd(const struct watch *); /* -1: there is none */

/* Read all that is queued now. The number of events. */
unsigned watch_drain(struct watch *, const struct watch_listener *);

/* Watch the filesystem of path. May wait for a server, and may be called from any thread. 0 or -errno. */
int watch_mark_filesystem(const struct watch *, const char *path);

/* Watch this file for modification / stop watching it. */
void watch_mark_file(struct watch *, int fd);
void watch_unmark_file(struct watch *, int fd);

struct watch_losses watch_losses(const struct watch *);

#endif
