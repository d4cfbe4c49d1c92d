// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hashing.c - owns the crews of worker.c.
 */
#include "hasher/hashing.h"

#include <errno.h>
#include <stdlib.h>

#include "hasher/worker.h"

#define INLINE_BYTES (1 << 20) /* hashed on the spot in half a millisecond, when too many wait */
#define BIG_BYTES (16 << 20)   /* 10 ms of hashing */

struct hashing {
	struct crew *crew[HASHING__CREWS]; /* NULL until the first file */
	unsigned max_files[HASHING__CREWS];
	void *buf; /* for hashing on the spot, NULL until then */
	__u64 refused;
};

struct hashing *hashing_new(unsigned max_files)
{
	struct hashing *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->max_files[HASHING_BIG] = h->max_files[HASHING_FAR] = h->max_files[HASHING_STRANGE] = max_files / 8;
	h->max_files[HASHING_SMALL] = max_files - 3 * (max_files / 8);
	return h;
}

void hashing_free(struct hashing *h)
{
	unsigned i;

	if (!h)
		return;
	for (i = 0; i < HASHING__CREWS; i++)
		crew_stop(h->crew[i]);
	free(h->buf);
	free(h);
}

static void hash_here(struct hashing *h, int fd, const struct wire_file *st, struct digest_result *now)
{
	struct digest *d = NULL;

	if (!h->buf)
		h->buf = malloc(DIGEST_BUFFER);
	if (h->buf && st->size_bytes <= INLINE_BYTES && (d = digest_new(fd, st)) != NULL) {
		while (digest_step(d, h->buf, INLINE_BYTES, now))
			;
	} else {
		h->refused++;
	}
	digest_free(d);
}

static enum hashing_crew who_hashes(const struct wire_file *st, enum distance distance)
{
	switch (distance) {
	case DISTANCE_NEAR:
		return st->size_bytes < BIG_BYTES ? HASHING_SMALL : HASHING_BIG;
	case DISTANCE_FAR:
		return HASHING_FAR;
	default:
		return HASHING_STRANGE;
	}
}

int hashing_submit(struct hashing *h, int fd, __u64 file_id, const struct wire_file *st,
		   enum distance distance, struct digest_result *now)
{
	enum hashing_crew who = who_hashes(st, distance);

	if (!h->crew[who])
		h->crew[who] = worker_new(h->max_files[who], who == HASHING_BIG);
	if (h->crew[who] && !worker_submit(h->crew[who], fd, file_id, st))
		return 0;
	*now = (struct digest_result){.hash_error = WIRE_HASH_BUSY};
	if (distance)
		h->refused++;
	else
		hash_here(h, fd, st, now);
	return 1;
}

int hashing_fd(const struct hashing *h, enum hashing_crew who)
{
	return h->crew[who] ? crew_fd(h->crew[who]) : -1;
}

bool hashing_result(struct hashing *h, __u64 *file_id, struct digest_result *result)
{
	struct worker_job *job = NULL;
	unsigned i;

	for (i = 0; i < HASHING__CREWS && !job; i++)
		job = h->crew[i] ? worker_result(h->crew[i]) : NULL;
	if (!job)
		return false;
	*file_id = job->file_id;
	*result = job->result;
	worker_job_free(job);
	return true;
}

void hashing_check(struct hashing *h)
{
	unsigned i;

	for (i = 0; i < HASHING__CREWS; i++) {
		if (h->crew[i])
			crew_check(h->crew[i]);
	}
}

bool hashing_busy(const struct hashing *h)
{
	unsigned i;

	for (i = 0; i < HASHING__CREWS; i++) {
		if (h->crew[i] && crew_jobs(h->crew[i]))
			return true;
	}
	return false;
}

__u64 hashing_refused(const struct hashing *h)
{
	return h->refused;
}
