/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opened.h - the files with #! that the kernel opened to execute them, as exec events tell, and which of them
 * an exec record stands for. Pure: no I/O, no clock.
 *
 * What is executed then is the interpreter, and the record is about that: the script is only an argument. Of
 * the events of that process one names the same file. `#!/usr/bin/env python3` makes two records of it: env,
 * and what env becomes.
 *
 * Bound: max events, and OPENED_KEEP_MS; an older one goes first, and its script is then looked up by name.
 */
#ifndef FEMTOSNITCH_HASHER_OPENED_H
#define FEMTOSNITCH_HASHER_OPENED_H

#include "bpf/wire.h"

#define OPENED_MAX 1024
#define OPENED_KEEP_MS 10000

struct opened;

struct opened_file {
	__u64 file_id;
	const char *path; /* absolute, as it was when the event was read */
};

struct opened *opened_new(unsigned max); /* NULL: no memory */
void opened_free(struct opened *);	 /* NULL is fine */

void opened_add(struct opened *, __u32 tgid, __u64 file_id, const char *path, __u64 now_ms);

/* What the kernel opened for this record. 1, and *file is valid until the next call; 0: nothing that is
 * certain. */
int opened_find(struct opened *, const struct wire_exec *, struct opened_file *file);

void opened_exit(struct opened *, __u32 tgid);
void opened_expire(struct opened *, __u64 now_ms);
unsigned opened_count(const struct opened *);

#endif
