/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crew.h - does jobs that may hang, in a thread, so that the loop never does. A step that does not come back
 * (a dead server) costs its own job only: crew_check() lets the thread go, hands out an answer in the job's
 * place and starts another thread, CREW_STUCK_MAX times at most; from then on jobs are refused until one
 * comes back.
 *
 * A job is owned by the crew from crew_submit() until crew_result() hands it out. All functions are for the
 * one thread that made the crew; step() runs in the crew's.
 */
#ifndef FEMTOSNITCH_HASHER_CREW_H
#define FEMTOSNITCH_HASHER_CREW_H

#include <stdbool.h>
#include <stddef.h>

#include "bpf/wire.h"

#define CREW_STUCK_MAX 4

struct crew;

struct crew_job { /* first member of every job */
	struct crew_job *next;
};

struct crew_kind {
	const char *name;			   /* for the log */
	int (*step)(struct crew_job *, void *buf); /* 1: there is more to do, 0: done */
	__u64 (*left)(const struct crew_job *);	   /* the least goes first; NULL: first come, first served */
	/* For a job whose step is stuck: a new job, the result. May read only what step() does not write. */
	struct crew_job *(*answer)(const struct crew_job *);
	void (*free)(struct crew_job *);
	size_t buffer_bytes; /* of step()'s buf, one per thread; 0 = none */
	unsigned limit_ms;   /* for one step */
	bool background;     /* at low priority */
};

struct crew *crew_new(const struct crew_kind *, unsigned max_jobs); /* NULL: errno says why */

/* 0: the job is the crew's, -EBUSY: it stays the caller's. */
int crew_submit(struct crew *, struct crew_job *);

int crew_fd(const struct crew *); /* readable when there are results */

/* A job that is done (now the caller's, who frees it with the kind's free), or NULL. */
struct crew_job *crew_result(struct crew *);

void crew_check(struct crew *); /* call now and then while crew_jobs() is not 0 */

unsigned crew_jobs(const struct crew *); /* submitted and not handed out yet */

bool crew_exhausted(const struct crew *); /* too many threads hang, nobody works */

/* Drop what waits. Threads are not waited for, and the crew itself is not given back: they end with the
 * process. */
void crew_stop(struct crew *); /* NULL is fine */

#endif
