/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lookup.h - goes to a script that was named on a command line, and only there where the process was: below
 * its root, from its directory. That may wait for whoever serves the filesystem, so it is done by a crew.
 *
 * Where the process was, its exec record says by inode numbers. They are found again at the process itself,
 * or, when that has ended or gone elsewhere, at its parent; if neither is there, nothing is opened. A file
 * that was changed since the execution, or less than 20 ms before it, may not be the one that was meant.
 */
#ifndef FEMTOSNITCH_HASHER_LOOKUP_H
#define FEMTOSNITCH_HASHER_LOOKUP_H

#include <stdbool.h>

#include "bpf/wire.h"
#include "hasher/crew.h"
#include "hasher/distance.h"

struct lookup {
	struct crew_job crew;
	__u64 id; /* the caller's */
	/* of the exec record */
	__u32 tgid, parent_tgid;
	__u32 mntns;
	__u64 cwd_ino, root_ino;
	wire_ns before_ns; /* the file was not changed later than this */
	/* the answer */
	unsigned error;		/* enum wire_hash_error: WIRE_HASH_OK, then what follows is set */
	int fd;			/* owned */
	enum distance distance; /* unless near, who gets fd must not touch it in the loop */
	struct wire_file st;
	char path[WIRE_PATH_MAX]; /* the file's own, as the process saw it */
	char argument[];	  /* as it is on the command line */
};

struct crew *lookup_crew(unsigned max_jobs); /* NULL: errno says why */

/* For this record; argument is copied. NULL: no memory. */
struct lookup *lookup_new(const struct wire_exec *, const char *argument);
void lookup_free(struct lookup *); /* NULL is fine; closes fd */

int lookup_submit(struct crew *, struct lookup *); /* 0: taken, else -errno and it is freed */
struct lookup *lookup_result(struct crew *);	   /* NULL: none; the caller frees it */
void lookup_now(struct lookup *);		   /* the doing itself */

#endif
