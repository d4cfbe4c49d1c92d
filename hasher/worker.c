// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * worker.c - puts digest.c to work in a crew. Owns nothing but its jobs.
 */
#include "hasher/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define SLICE_BYTES (2 << 20) /* 1 ms of hashing: what a small file waits for a big one at most */
#define SLICE_LIMIT_MS 10000  /* few ms on a living disk; a dead one errs, a dead server waits for ever */

static int step(struct crew_job *crew_job, void *buf)
{
	struct worker_job *job = (struct worker_job *)crew_job;

	if (digest_step(job->digest, buf, SLICE_BYTES, &job->result))
		return 1;
	close(job->fd);
	job->fd = -1;
	return 0;
}

static __u64 left(const struct crew_job *job)
{
	return digest_left(((const struct worker_job *)job)->digest);
}

static struct crew_job *answer(const struct crew_job *crew_job)
{
	const struct worker_job *stuck = (const struct worker_job *)crew_job;
	struct worker_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->fd = -1;
	job->file_id = stuck->file_id;
	job->result.hash_error = WIRE_HASH_TIMEOUT;
	return &job->crew;
}

void worker_job_free(struct worker_job *job)
{
	if (!job)
		return;
	digest_free(job->digest);
	if (job->fd >= 0)
		close(job->fd);
	free(job);
}

static void free_job(struct crew_job *job)
{
	worker_job_free((struct worker_job *)job);
}

#define HASHING                                                                                              \
	.name = "reading a file", .step = step, .left = left, .answer = answer, .free = free_job,            \
	.buffer_bytes = DIGEST_BUFFER, .limit_ms = SLICE_LIMIT_MS

static const struct crew_kind hashing = {HASHING};
static const struct crew_kind hashing_in_background = {HASHING, .background = true};

struct crew *worker_new(unsigned max_jobs, bool background)
{
	return crew_new(background ? &hashing_in_background : &hashing, max_jobs);
}

int worker_submit(struct crew *c, int fd, __u64 file_id, const struct wire_file *expect)
{
	struct worker_job *job = calloc(1, sizeof(*job));
	int rc = -ENOMEM;

	if (!job)
		return rc;
	job->fd = fd;
	job->file_id = file_id;
	job->digest = digest_new(fd, expect);
	if (job->digest)
		rc = crew_submit(c, &job->crew);
	if (rc) {
		job->fd = -1;
		worker_job_free(job);
	}
	return rc;
}

struct worker_job *worker_result(struct crew *c)
{
	return (struct worker_job *)crew_result(c);
}
