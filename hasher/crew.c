// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * crew.c - owns the queue, the list of results and the threads. One lock for the lists; nobody holds it
 * during a step. A job is in the queue, in one thread's hand, or among the results.
 */
#include "hasher/crew.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "config/log.h"

#define STACK_BYTES 65536

struct list {
	struct crew_job *first, **end;
};

/* One thread. Once abandoned it belongs to nobody and frees itself. */
struct hand {
	struct crew *crew;
	struct crew_job *job; /* being stepped */
	void *buf;	      /* of kind->buffer_bytes, while there is work */
	__u64 since_ms;	      /* when this step began */
	bool abandoned;
};

struct crew {
	const struct crew_kind *kind;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct list queue, done;
	struct hand *hand; /* who works; NULL: too many are stuck */
	unsigned jobs, max_jobs, stuck;
	int eventfd;
};

static __u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (__u64)ts.tv_sec * 1000 + (__u64)ts.tv_nsec / 1000000;
}

static void list_init(struct list *l)
{
	l->first = NULL;
	l->end = &l->first;
}

static void list_append(struct list *l, struct crew_job *job)
{
	job->next = NULL;
	*l->end = job;
	l->end = &job->next;
}

static struct crew_job *list_take(struct list *l, struct crew_job **at)
{
	struct crew_job *job = *at;

	if (!job)
		return NULL;
	*at = job->next;
	if (!job->next)
		l->end = at;
	job->next = NULL;
	return job;
}

/* A scan each time: the queue is short, and what is left of a job changes while it waits its turn. */
static struct crew_job *take_next(struct crew *c)
{
	struct crew_job **at, **best = &c->queue.first;
	__u64 least = ~0ull;

	for (at = &c->queue.first; *at && c->kind->left; at = &(*at)->next) {
		__u64 left = c->kind->left(*at);

		if (left < least) {
			least = left;
			best = at;
		}
	}
	return list_take(&c->queue, best);
}

/* Less in the way of others, but not out of everybody's: at nice 19, or in an idle class, a busy machine lets
 * a thread wait for minutes, and somebody waits for the hash. */
static void lower_priority(void)
{
	const struct sched_param param = {0};

	sched_setscheduler(0, SCHED_BATCH, &param);
	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 10);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 7));
}

/* One step of one job. False: this thread was given up meanwhile. */
static bool work(struct hand *hand)
{
	struct crew *c = hand->crew;
	struct crew_job *job;
	bool abandoned;
	int more;

	pthread_mutex_lock(&c->lock);
	while (!c->queue.first) {
		free(hand->buf); /* give it back while there is nothing to do */
		hand->buf = NULL;
		pthread_cond_wait(&c->work, &c->lock);
	}
	job = hand->job = take_next(c);
	hand->since_ms = now_ms();
	pthread_mutex_unlock(&c->lock);

	while (c->kind->buffer_bytes && !hand->buf && !(hand->buf = malloc(c->kind->buffer_bytes)))
		sleep(1); /* no memory: it may come back, and until then the limit of a step holds */
	more = c->kind->step(job, hand->buf);

	pthread_mutex_lock(&c->lock);
	abandoned = hand->abandoned;
	hand->job = NULL;
	if (abandoned) {
		c->stuck--;
	} else if (more) {
		list_append(&c->queue, job);
	} else {
		if (!c->done.first)
			eventfd_write(c->eventfd, 1);
		list_append(&c->done, job);
	}
	pthread_mutex_unlock(&c->lock);
	if (abandoned)
		c->kind->free(job);
	return !abandoned;
}

static void *run(void *arg)
{
	struct hand *hand = arg;

	if (hand->crew->kind->background)
		lower_priority();
	while (work(hand))
		;
	free(hand->buf);
	free(hand);
	return NULL;
}

static int start_hand(struct crew *c)
{
	struct hand *hand = calloc(1, sizeof(*hand));
	pthread_attr_t attr;
	pthread_t thread;
	int rc = -ENOMEM;

	if (!hand)
		return rc;
	hand->crew = c;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	c->hand = hand;
	rc = -pthread_create(&thread, &attr, run, hand);
	pthread_attr_destroy(&attr);
	if (!rc)
		return 0;
	c->hand = NULL;
	free(hand);
	return rc;
}

struct crew *crew_new(const struct crew_kind *kind, unsigned max_jobs)
{
	struct crew *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return NULL;
	c->kind = kind;
	c->max_jobs = max_jobs;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->work, NULL);
	list_init(&c->queue);
	list_init(&c->done);
	c->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = c->eventfd < 0 ? -errno : start_hand(c);
	if (!rc)
		return c;
	if (c->eventfd >= 0)
		close(c->eventfd);
	free(c);
	errno = -rc;
	return NULL;
}

int crew_submit(struct crew *c, struct crew_job *job)
{
	if (c->jobs >= c->max_jobs || !c->hand)
		return -EBUSY;
	pthread_mutex_lock(&c->lock);
	c->jobs++;
	list_append(&c->queue, job);
	pthread_cond_signal(&c->work);
	pthread_mutex_unlock(&c->lock);
	return 0;
}

int crew_fd(const struct crew *c)
{
	return c->eventfd;
}

struct crew_job *crew_result(struct crew *c)
{
	struct crew_job *job;
	eventfd_t ignored;

	pthread_mutex_lock(&c->lock);
	job = list_take(&c->done, &c->done.first);
	if (job)
		c->jobs--;
	else
		eventfd_read(c->eventfd, &ignored);
	pthread_mutex_unlock(&c->lock);
	return job;
}

/* Lock held. The thread does not come back from this step: its job stays with it,
 * somebody answers instead. */
static bool give_up(struct crew *c)
{
	struct crew_job *answer = c->kind->answer(c->hand->job);

	if (!answer)
		return false; /* no memory: at the next check */
	eventfd_write(c->eventfd, 1);
	list_append(&c->done, answer);
	c->hand->abandoned = true;
	c->hand = NULL;
	c->stuck++;
	return true;
}

void crew_check(struct crew *c)
{
	bool gave_up = false;
	bool restart;
	int rc;

	pthread_mutex_lock(&c->lock);
	if (c->hand && c->hand->job && now_ms() - c->hand->since_ms > c->kind->limit_ms)
		gave_up = give_up(c);
	restart = !c->hand && c->stuck < CREW_STUCK_MAX;
	pthread_mutex_unlock(&c->lock);
	if (gave_up)
		log_warnx("%s: no answer for %u ms, given up", c->kind->name, c->kind->limit_ms);
	if (restart && (rc = start_hand(c)) != 0) {
		errno = -rc;
		log_warn("%s: start of a thread", c->kind->name);
	}
}

unsigned crew_jobs(const struct crew *c)
{
	return c->jobs;
}

bool crew_exhausted(const struct crew *c)
{
	return !c->hand;
}

static void list_drop(struct crew *c, struct list *l)
{
	struct crew_job *job;

	while ((job = list_take(l, &l->first)) != NULL)
		c->kind->free(job);
}

void crew_stop(struct crew *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	list_drop(c, &c->queue);
	list_drop(c, &c->done);
	c->max_jobs = 0;
	/* before a thread that gets done can write into what has this number next */
	close(c->eventfd);
	c->eventfd = -1;
	pthread_mutex_unlock(&c->lock);
}
