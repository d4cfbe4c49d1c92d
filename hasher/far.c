// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * far.c - owns one crew, whose jobs are "read a few events" (one at a time) and "close this fd".
 */
#include "hasher/far.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "hasher/crew.h"

#define JOBS_MAX 4096
#define POLL_MS 20

struct far_job {
	struct crew_job crew;
	const struct watch *watch; /* read */
	enum distance distance;
	int close_fd; /* close; -1: read */
	bool stuck;
	struct watch_losses losses;
	unsigned n;
	struct watch_event event[WATCH_EVENTS];
};

struct far {
	struct watch *watch;
	enum distance distance;
	struct crew *crew;
	bool reading; /* a read is on its way */
};

static int step(struct crew_job *crew_job, void *buf)
{
	struct far_job *job = (struct far_job *)crew_job;

	(void)buf;
	if (job->close_fd < 0)
		job->n = watch_read_far(job->watch, job->distance, job->event, &job->losses);
	else
		close(job->close_fd);
	return 0;
}

static struct crew_job *answer(const struct crew_job *stuck)
{
	struct far_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->close_fd = ((const struct far_job *)stuck)->close_fd;
	job->stuck = true;
	return &job->crew;
}

/* Of a read that came back too late the fds are closed here, in the thread. */
static void free_job(struct crew_job *crew_job)
{
	struct far_job *job = (struct far_job *)crew_job;

	while (job->n)
		close(job->event[--job->n].fd);
	free(job);
}

static const struct crew_kind far_kind = {
	.name = "exec events of other namespaces or servers",
	.step = step,
	.answer = answer,
	.free = free_job,
	.limit_ms = FAR_LIMIT_MS,
};

struct far *far_new(struct watch *watch, enum distance distance)
{
	struct far *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->watch = watch;
	f->distance = distance;
	f->crew = crew_new(&far_kind, JOBS_MAX);
	if (f->crew)
		return f;
	free(f);
	return NULL;
}

void far_free(struct far *f)
{
	if (!f)
		return;
	crew_stop(f->crew);
	free(f);
}

static int submit(struct far *f, int close_fd)
{
	struct far_job *job = calloc(1, sizeof(*job));
	int rc;

	if (!job)
		return -ENOMEM;
	job->watch = f->watch;
	job->distance = f->distance;
	job->close_fd = close_fd;
	rc = crew_submit(f->crew, &job->crew);
	if (rc)
		free(job);
	return rc;
}

static bool queued(const struct far *f)
{
	int fd = watch_fd(f->watch, f->distance);
	int bytes = 0;

	return fd >= 0 && !ioctl(fd, FIONREAD, &bytes) && bytes > 0;
}

int far_events_fd(const struct far *f)
{
	return f->reading ? -1 : watch_fd(f->watch, f->distance);
}

int far_results_fd(const struct far *f)
{
	return crew_fd(f->crew);
}

static void take_results(struct far *f, far_executed *executed, void *arg)
{
	struct far_job *job;

	while ((job = (struct far_job *)crew_result(f->crew)) != NULL) {
		unsigned i, n = job->n;

		if (job->close_fd < 0)
			f->reading = false;
		job->losses.unread += job->stuck && job->close_fd < 0;
		watch_lost(f->watch, &job->losses);
		job->n = 0; /* handed on */
		for (i = 0; i < n; i++)
			executed(arg, job->event[i].tgid, job->event[i].fd, f->distance);
		free_job(&job->crew);
	}
}

void far_take(struct far *f, far_executed *executed, void *arg)
{
	take_results(f, executed, arg);
	if (!f->reading && queued(f))
		f->reading = submit(f, -1) == 0;
}

void far_take_all(struct far *f, far_executed *executed, void *arg)
{
	struct pollfd fd = {.fd = crew_fd(f->crew), .events = POLLIN};

	for (;;) {
		far_take(f, executed, arg);
		if (!f->reading)
			return; /* nothing there, or nobody to go */
		poll(&fd, 1, POLL_MS);
		far_check(f);
	}
}

/* If nobody can go, the fd stays open: then nobody watches any more either, and no more of them come. */
void far_close(struct far *f, int fd)
{
	submit(f, fd);
}

void far_check(struct far *f)
{
	crew_check(f->crew);
	if (far_gave_up(f) && watch_fd(f->watch, f->distance) >= 0)
		watch_close_far(f->watch, f->distance);
}

bool far_busy(const struct far *f)
{
	return crew_jobs(f->crew) > 0;
}

bool far_gave_up(const struct far *f)
{
	return crew_exhausted(f->crew);
}
