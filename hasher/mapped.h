/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mapped.h - which files a process has mapped to be executed, with their SHA-256: one look at its maps, then
 * file by file through /proc/PID/map_files, which opens what is mapped and not what has its name now. Done by
 * a crew at low priority: nobody waits for it, and a file may.
 *
 * Digests of files that stand still are remembered for the next process (MAPPED_KNOWN of them).
 */
#ifndef FEMTOSNITCH_HASHER_MAPPED_H
#define FEMTOSNITCH_HASHER_MAPPED_H

#include <stdbool.h>
#include <stddef.h>

#include "bpf/wire.h"
#include "hasher/crew.h"

#define MAPPED_KNOWN 512
#define MAPPED_FILES 512  /* of one process; more are cut off */
#define MAPPED_TEXT 60000 /* bytes of all of them as they go into a frame */

/* One line of /proc/PID/maps that is executable. */
struct mapped_line {
	unsigned long long start, end;
	__u64 ino; /* 0: of no file */
	__u32 dev;
	const char *path; /* inside the line, "" = none */
};

/* Take a line apart, in place. 1: it is executable, 0: it is not, or it is the kernel's own page. */
int mapped_parse(char *line, struct mapped_line *);

struct mapped; /* a job */

struct crew *mapped_crew(unsigned max_jobs); /* NULL: errno says why */

/* For the process of this record. 0: taken, else -errno. */
int mapped_submit(struct crew *, const struct wire_exec *);

struct mapped *mapped_result(struct crew *); /* NULL: none; the caller frees it */
void mapped_free(struct mapped *);	     /* NULL is fine */

/* What came of it: head with its set, and the text behind it, which is the job's. False: it could not be
 * looked at. */
bool mapped_answer(const struct mapped *, struct wire_libraries *head, const char **text);

#endif
