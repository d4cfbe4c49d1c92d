/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker.h - hashes files in a thread, in slices, the one with the least left first, so that a 2 GB
 * file never delays a small one. Bounded: max_jobs files at a time, each an open fd.
 */
#ifndef FEMTOSNITCH_HASHER_WORKER_H
#define FEMTOSNITCH_HASHER_WORKER_H

#include "bpf/wire.h"
#include "hasher/crew.h"
#include "hasher/digest.h"

struct worker_job {
	struct crew_job crew;
	__u64 file_id;
	struct digest_result result; /* once it is handed out */
	struct digest *digest;
	int fd; /* owned until the last byte is read, then -1: an open fd keeps its mount busy */
};

/* background: at low priority, for what nobody expects soon. NULL: errno says why. */
struct crew *worker_new(unsigned max_jobs, bool background);

/* Hash fd. 0: fd is the worker's; -EBUSY, -ENOMEM: it stays the caller's. */
int worker_submit(struct crew *, int fd, __u64 file_id, const struct wire_file *expect);

/* NULL: none. The caller frees it. */
struct worker_job *worker_result(struct crew *);
void worker_job_free(struct worker_job *);

#endif
