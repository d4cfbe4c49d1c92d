// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fetch.c - see fetch.h. The descriptor's way: opened in the crew's thread, the loop's once the job is done,
 * sent (which makes a copy), and closed in the crew's thread again, as that may wait for a server too.
 */
#include "hasher/fetch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/handover.h"
#include "config/log.h"
#include "hasher/crew.h"
#include "hasher/digest.h"
#include "hasher/file.h"

#define LIMIT_MS 3000

struct job {
	struct crew_job crew;
	__u8 sha256[WIRE_SHA256_SIZE];
	bool answered; /* only to be closed */
	/* the answer */
	unsigned error;	     /* enum wire_hash_error */
	int fd;		     /* owned */
	struct wire_file st; /* with its generation */
	__u64 filesystem;    /* file_filesystem() */
	char path[];
};

/* ---- in the thread */

static int step(struct crew_job *crew_job, void *buf)
{
	struct job *job = (struct job *)crew_job;

	(void)buf;
	if (job->answered) {
		close(job->fd);
		job->fd = -1;
		return 0;
	}
	job->fd = file_open(job->path);
	if (job->fd < 0) {
		job->error =
			job->fd == -ELOOP || job->fd == -EINVAL ? WIRE_HASH_CHANGED : digest_error(job->fd);
		return 0;
	}
	if (file_stat(job->fd, &job->st) == 0) {
		job->st.generation = file_generation(job->fd);
		job->filesystem = file_filesystem(job->fd);
		job->error = WIRE_HASH_OK;
	}
	return 0;
}

static void free_job(struct crew_job *crew_job)
{
	struct job *job = (struct job *)crew_job;

	if (job->fd >= 0)
		close(job->fd);
	free(job);
}

static struct job *new_job(const __u8 sha256[WIRE_SHA256_SIZE], const char *path, size_t len, unsigned error)
{
	struct job *job = calloc(1, sizeof(*job) + len + 1);

	if (!job)
		return NULL;
	job->fd = -1;
	job->error = error;
	memcpy(job->sha256, sha256, sizeof(job->sha256));
	memcpy(job->path, path, len);
	return job;
}

static struct crew_job *answer(const struct crew_job *stuck)
{
	const struct job *hangs = (const struct job *)stuck;
	struct job *job = new_job(hangs->sha256, "", 0, WIRE_HASH_TIMEOUT);

	if (!job)
		return NULL;
	job->answered = hangs->answered;
	return &job->crew;
}

static const struct crew_kind opening = {
	.name = "opening a file to upload",
	.step = step,
	.answer = answer,
	.free = free_job,
	.limit_ms = LIMIT_MS,
};

/* ---- in the loop */

void fetch_open(struct fetch *f, struct stage *stage, struct versions *versions)
{
	*f = (struct fetch){.stage = stage, .versions = versions};
}

void fetch_close(struct fetch *f)
{
	crew_stop(f->crew);
	f->crew = NULL;
}

static void say(struct fetch *f, const __u8 sha256[WIRE_SHA256_SIZE], unsigned error)
{
	struct wire_fetched done = {.error = error};

	memcpy(done.sha256, sha256, sizeof(done.sha256));
	if (frame_put(f->stage->out, WIRE_FETCHED, &done, sizeof(done), NULL, 0))
		log_warnx("no room to say what became of a file"); /* who asked asks again */
}

static unsigned submit(struct fetch *f, const struct wire_fetch *wanted)
{
	const char *path = (const char *)(wanted + 1);
	struct job *job;

	if (f->stage->handover < 0 || !f->stage->settings.vt_file_upload)
		return WIRE_HASH_PERMISSION;
	if (wanted->path_len == 0 || path[0] != '/')
		return WIRE_HASH_NO_FILE;
	if (!f->crew && !(f->crew = crew_new(&opening, FETCH_MAX)))
		return WIRE_HASH_BUSY;
	job = new_job(wanted->sha256, path, wanted->path_len, WIRE_HASH_READ);
	if (!job)
		return WIRE_HASH_BUSY;
	if (crew_submit(f->crew, &job->crew) == 0)
		return WIRE_HASH_OK;
	free_job(&job->crew);
	return WIRE_HASH_BUSY;
}

void fetch_order(struct fetch *f, const struct wire_fetch *wanted)
{
	unsigned error = submit(f, wanted);

	if (error)
		say(f, wanted->sha256, error);
}

/* Is it, as it stands there now, what was hashed? Also too soon after a change: whoever gets it hashes it
 * again. */
static bool is_known(struct fetch *f, const struct job *job)
{
	const struct cache_file *c = cache_by_stat(f->versions->cache, &job->st);
	__u8 sha256[WIRE_SHA256_SIZE];

	if (!c && (c = cache_by_inode(f->versions->cache, &job->st)) != NULL &&
	    !file_unchanged(&c->at, &job->st))
		c = NULL;
	if (c)
		return c->hash_error == WIRE_HASH_OK &&
		       memcmp(c->sha256, job->sha256, sizeof(c->sha256)) == 0;
	return f->versions->known && known_find(f->versions->known, job->filesystem, &job->st, sha256) &&
	       memcmp(sha256, job->sha256, sizeof(sha256)) == 0;
}

static unsigned send_file(struct fetch *f, const struct job *job)
{
	char name[2 * WIRE_SHA256_SIZE + 1];
	struct handover h = {0};
	size_t i;
	int rc;

	for (i = 0; i < WIRE_SHA256_SIZE; i++)
		snprintf(name + 2 * i, 3, "%02x", job->sha256[i]);
	rc = handover_add(&h, name, strlen(name), job->fd);
	if (rc == 0)
		rc = handover_send(f->stage->handover, &h);
	if (rc < 0)
		log_warnx("a file to upload could not be handed over: %s", strerror(-rc));
	return rc < 0 ? WIRE_HASH_BUSY : WIRE_HASH_OK;
}

static void answer_order(struct fetch *f, struct job *job)
{
	if (job->error == WIRE_HASH_OK)
		job->error = is_known(f, job) ? send_file(f, job) : WIRE_HASH_CHANGED;
	say(f, job->sha256, job->error);
	job->answered = true;
}

bool fetch_result(struct fetch *f)
{
	struct job *job = f->crew ? (struct job *)crew_result(f->crew) : NULL;

	if (!job)
		return false;
	if (!job->answered)
		answer_order(f, job);
	if (job->fd >= 0 && crew_submit(f->crew, &job->crew) == 0)
		return true;
	job->fd = -1; /* nobody can go, and nobody will open any more: it stays open */
	free_job(&job->crew);
	return true;
}

int fetch_fd(const struct fetch *f)
{
	return f->crew ? crew_fd(f->crew) : -1;
}

void fetch_check(struct fetch *f)
{
	if (f->crew)
		crew_check(f->crew);
}

bool fetch_busy(const struct fetch *f)
{
	return f->crew && crew_jobs(f->crew);
}
