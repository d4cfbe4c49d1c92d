/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * join.h - brings together what fanotify says (this process opened this file to execute it) and what the exec
 * record says (this process runs this file). Pure: no I/O, no clock.
 *
 * Rules, each from a measured failure: the device is not compared (it differs on btrfs and overlay); order
 * and number mean nothing (one event may stand for several execs of a process, a failed execve leaves an
 * event without a record, ld.so and interpreters have events of their own). Events are queued before the
 * record, so whoever drains the queue first finds them here. A candidate stays until its process exits, or
 * for JOIN_KEEP_MS, or until max others came after it.
 */
#ifndef FEMTOSNITCH_HASHER_JOIN_H
#define FEMTOSNITCH_HASHER_JOIN_H

#include "bpf/wire.h"

#define JOIN_MAX 8192
#define JOIN_KEEP_MS 10000

struct join;

enum join_result {
	JOIN_NONE,    /* no event of this process names this inode number */
	JOIN_CERTAIN, /* same ctime: nothing happened to the file */
	JOIN_RENAMED, /* same mtime, another ctime: renamed or unlinked since */
	JOIN_CHANGED  /* same inode number, but size or mtime differ */
};

struct join *join_new(unsigned max); /* max <= JOIN_MAX; NULL: no memory */
void join_free(struct join *);	     /* NULL is fine */

/* An event. 0, 1: the oldest candidate gave way, -ENOMEM. */
int join_add(struct join *, __u32 tgid, const struct wire_file *st, __u64 file_id, __u64 now_ms);

/* The best candidate for a record; *file_id is set for CERTAIN and RENAMED. */
enum join_result join_find(const struct join *, __u32 tgid, const struct wire_file *record, __u64 *file_id);

void join_exit(struct join *, __u32 tgid);
void join_expire(struct join *, __u64 now_ms);
unsigned join_count(const struct join *);

#endif
