/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reach.h - goes to files that may not answer, in a thread with a time limit: to watch the filesystem at a
 * mount point, and to find the file of an exec record that no event brought.
 */
#ifndef FEMTOSNITCH_HASHER_REACH_H
#define FEMTOSNITCH_HASHER_REACH_H

#include <stdbool.h>

#include "bpf/wire.h"
#include "hasher/crew.h"
#include "hasher/distance.h"
#include "hasher/watch.h"

#define REACH_LIMIT_MS 3000

enum reach_what {
	REACH_MARK, /* the filesystem at path */
	REACH_OPEN  /* the file that record names */
};

struct reach_job {
	struct crew_job crew;
	enum reach_what what;
	enum distance distance; /* unless near, who gets its fd must not touch it in the loop */

	/* MARK */
	const struct watch *watch;
	__u32 dev;
	__u32 mount_id; /* path must still lead to this mount; 0: any (a magic link of /proc) */

	/* OPEN */
	__u64 file_id;
	struct wire_file record;
	struct wire_image_key image;
	__u32 parent_tgid;
	bool at_path;	  /* the record's filesystem is mounted here: its path may be tried */
	bool was_changed; /* an event told of this file in another version */

	/* the answer: 0, MARK: -errno, OPEN: enum wire_hash_error */
	int error;
	int fd;		     /* OPEN: owned */
	struct wire_file st; /* OPEN: what fd is */

	char path[]; /* may be "" for OPEN */
};

struct crew *reach_new(unsigned max_jobs); /* NULL: errno says why */

/* path is copied; all else is zero for the caller to fill in. NULL: no memory. */
struct reach_job *reach_job_new(enum reach_what, const char *path);
void reach_job_free(struct reach_job *); /* NULL is fine; closes fd */

int reach_submit(struct crew *, struct reach_job *); /* 0: taken, else -errno and the job is freed */
struct reach_job *reach_result(struct crew *);	     /* NULL: none; the caller frees it */

/* The doing itself, which may wait; for who has no loop to keep (--doctor). */
void reach_now(struct reach_job *);

#endif
