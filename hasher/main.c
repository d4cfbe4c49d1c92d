// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - the hasher: exec records in, images out, everything else passed on in order. One loop that never
 * waits for a file; what may (hashing, marking, looking for a file) happens in threads.
 *
 * When the next stage does not read, this one stops reading too, but goes on taking fanotify events: an
 * unread event keeps a mount busy.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <malloc.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "config/log.h"
#include "config/sandbox.h"
#include "config/stage.h"
#include "hasher/images.h"
#include "hasher/watch.h"

#define OUT_BOUND (4 * WIRE_FRAME_MAX)
#define FILES_MAX 1024	/* waiting to be hashed, each an open fd */
#define FILES_SPARE 128 /* fds for everything else: events in hand, threads, pipes */
#define NAP_NS 8000000	/* a sleep costs as much as ten events; nobody who wants to unmount notices */
#define CHECK_MS 1000
#define FILLS 16       /* reads of the pipe before the rest of the loop has its turn */
#define LINGER_MS 2000 /* for hashes, after the end of input; as long again for a slow reader */

struct hasher {
	struct stage stage;
	struct watch *watch;
	struct places *places;
	struct images *images;
	const char *unwatched; /* why there is no fanotify, NULL = there is */
	bool predecessor_ready;
	bool ready;
	bool pipe_empty; /* the last read of the pipe found nothing more, and no frame is held */
	bool burst;	 /* the last look at the events found some */
	__u64 checked_ms;
};

static __u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (__u64)ts.tv_sec * 1000 + (__u64)ts.tv_nsec / 1000000;
}

static bool room(const struct hasher *h)
{
	return frame_pending(h->stage.out) + IMAGES_ROOM <= OUT_BOUND;
}

/* Each event of a read becomes an fd before we see the first of them, and each file to hash keeps one. */
static unsigned raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return FILES_SPARE;
	if (limit.rlim_cur < FILES_MAX + FILES_SPARE && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur =
			limit.rlim_max < FILES_MAX + FILES_SPARE ? limit.rlim_max : FILES_MAX + FILES_SPARE;
		if (setrlimit(RLIMIT_NOFILE, &limit))
			log_warn("RLIMIT_NOFILE");
		getrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur >= FILES_MAX + FILES_SPARE)
		return FILES_MAX;
	return limit.rlim_cur > 2 * FILES_SPARE ? (unsigned)limit.rlim_cur - FILES_SPARE : FILES_SPARE / 2;
}

static void say_ready(struct hasher *h)
{
	char text[160];

	if (h->unwatched)
		snprintf(text, sizeof(text), "NOT PROVEN: fanotify: %s; programs are hashed through /proc",
			 h->unwatched);
	else
		snprintf(text, sizeof(text), "exec events on %u filesystems", images_watched(h->images));
	if (stage_ready(&h->stage, text))
		return; /* the next time around */
	h->ready = true;
	if (h->unwatched)
		stage_loss(&h->stage, WIRE_LOSS_HOOK, 0, 0, 1, 0, "fanotify: %s", h->unwatched);
}

/* A frame, for which there is room. */
static void handle(struct hasher *h, const struct wire_hdr *hdr, const void *payload)
{
	switch (hdr->type) {
	case WIRE_SETTINGS:
		stage_settings(&h->stage, payload);
		return;
	case WIRE_EXEC:
		images_exec(h->images, payload, hdr->len);
		return;
	case WIRE_CGROUP:
		places_learn(h->places, payload);
		return;
	case WIRE_FETCH:
		images_fetch(h->images, payload);
		return;
	case WIRE_FLOW:
		places_creator(h->places, ((const struct wire_flow *)payload)->creator_cgroup);
		break;
	case WIRE_READY:
		if (((const struct wire_ready *)payload)->stage == WIRE_STAGE_COLLECTOR)
			h->predecessor_ready = true;
		break;
	case WIRE_EXIT:
		images_exit(h->images, ((const struct wire_exit *)payload)->tgid);
		break;
	case WIRE_TICK:
		images_losses(h->images);
		break;
	default:
		break;
	}
	frame_pass(h->stage.out, hdr, payload);
}

/* Handle what the reader holds. All of it was written before it was read, and so all events that belong to it
 * are in the queue by now: one look is enough. False: no room for more. */
static bool take_frames(struct hasher *h)
{
	const struct wire_hdr *hdr;
	const void *payload;
	bool drained = false;
	const char *why;
	int rc;

	for (;;) {
		if (!room(h)) {
			frame_flush(h->stage.out);
			if (!room(h))
				return false;
		}
		rc = frame_next(h->stage.in, &hdr, &payload, &why);
		if (rc < 0)
			fatalx("broken frame: %s", why);
		if (!rc)
			return true;
		if (hdr->type == WIRE_EXEC && !drained) {
			images_drain(h->images, true);
			drained = true;
		}
		handle(h, hdr, payload);
	}
}

/* False at the end of input. */
static bool read_pipe(struct hasher *h)
{
	int i, rc;

	h->pipe_empty = false;
	for (i = 0; i < FILLS && take_frames(h); i++) {
		rc = frame_fill(h->stage.in);
		if (rc == -EAGAIN) {
			h->pipe_empty = true;
			return true;
		}
		if (rc < 0) {
			errno = -rc;
			fatal("standard input");
		}
		if (!rc && frame_cut(h->stage.in))
			fatalx("the last frame was cut: the stage before died");
		if (!rc)
			return false;
	}
	return true;
}

static void take_results(struct hasher *h)
{
	while (room(h) && images_result(h->images))
		;
}

/* Events come in twos and threes per program, and a sleep of their own for each would cost more than to
 * handle them: after some came, let others gather for a moment before anything else is done. */
static void nap(void)
{
	const struct timespec moment = {.tv_nsec = NAP_NS};

	nanosleep(&moment, NULL);
}

static void flush(struct hasher *h)
{
	if (frame_flush(h->stage.out) == -EPIPE)
		fatalx("the next stage is gone");
}

enum {
	POLL_IN = IMAGES__FDS,
	POLL_OUT,
	POLL__MAX
};

/* Sleep until there is something to do. */
static void wait_for_work(struct hasher *h, struct pollfd *fds, int timeout_ms)
{
	bool may_write = room(h);
	int i;

	for (i = 0; i < IMAGES__FDS; i++) {
		fds[i] = (struct pollfd){
			.fd = i >= IMAGES_RESULTS && !may_write ? -1
								: images_fd(h->images, (enum images_fd)i),
			.events = i == IMAGES_MOUNTS ? POLLPRI : POLLIN,
		};
	}
	fds[POLL_IN] = (struct pollfd){.fd = may_write ? 0 : -1, .events = POLLIN};
	fds[POLL_OUT] = (struct pollfd){.fd = 1, .events = frame_pending(h->stage.out) ? POLLOUT : 0};
	if (poll(fds, POLL__MAX, timeout_ms) < 0) {
		if (errno != EINTR)
			fatal("poll");
		memset(fds, 0, sizeof(*fds) * POLL__MAX);
	}
}

static void check(struct hasher *h)
{
	if (h->predecessor_ready && !h->ready && images_ready(h->images) && room(h))
		say_ready(h);
	if (now_ms() - h->checked_ms < CHECK_MS)
		return;
	h->checked_ms = now_ms();
	images_check(h->images, h->pipe_empty && room(h));
}

static void run(struct hasher *h)
{
	struct pollfd fds[POLL__MAX];
	bool open = true;

	/* pipe_empty is false at first: frames came together with the settings */
	while (open) {
		bool more = h->burst || (!h->pipe_empty && room(h));

		if (h->burst)
			nap();
		wait_for_work(h, fds, more ? 0 : images_busy(h->images) ? CHECK_MS : -1);
		if (fds[POLL_OUT].revents & (POLLERR | POLLHUP))
			fatalx("the next stage is gone");
		if (fds[IMAGES_MOUNTS].revents && room(h))
			images_mounts(h->images);
		if (h->burst || fds[IMAGES_EXECUTED].revents || fds[IMAGES_EXECUTED_FAR].revents ||
		    fds[IMAGES_EXECUTED_STRANGE].revents || fds[IMAGES_MODIFIED].revents ||
		    fds[IMAGES_READ_FAR].revents || fds[IMAGES_READ_STRANGE].revents)
			h->burst = images_drain(h->images, room(h)) > 0;
		if (fds[IMAGES_RENAMED].revents)
			images_renamed(h->images);
		take_results(h);
		if (fds[POLL_IN].revents || (!h->pipe_empty && room(h)))
			open = read_pipe(h);
		check(h);
		flush(h);
	}
}

/* The end: a moment for small hashes, a reason for the others, and out. */
static void finish(struct hasher *h)
{
	__u64 end = now_ms() + LINGER_MS;
	struct pollfd fds[POLL__MAX];

	while (images_owed(h->images) && now_ms() < end) {
		wait_for_work(h, fds, 50);
		take_results(h);
		flush(h);
	}
	end = now_ms() + LINGER_MS;
	while (now_ms() < end) {
		struct pollfd out = {.fd = 1, .events = POLLOUT};

		while (room(h) && images_abandon(h->images))
			;
		if (room(h))
			images_losses(h->images);
		flush(h);
		if (!frame_pending(h->stage.out) && !images_owed(h->images))
			return;
		poll(&out, 1, 50);
	}
	log_warnx("the next stage does not read: %zu bytes of records dropped", frame_pending(h->stage.out));
}

/* Without a pipe: can programs be watched on this machine? */
static int doctor(void)
{
	static struct stage stage = {.id = WIRE_STAGE_HASHER}; /* static: as in main() */
	static struct images *images;
	static struct watch *watch;
	__u64 end = now_ms() + 2 * LINGER_MS;

	log_open("femtosnitch-hasher", 0);
	watch = watch_new();
	if (!watch) {
		printf("fanotify: %s\n", strerror(errno));
		return 1;
	}
	stage.out = frame_writer_new(open("/dev/null", O_WRONLY | O_CLOEXEC), OUT_BOUND);
	images = stage.out ? images_new(&stage, watch, NULL, FILES_SPARE) : NULL;
	if (!images)
		fatal("fanotify");
	while (!images_ready(images) && now_ms() < end) {
		struct pollfd fd = {.fd = images_fd(images, IMAGES_NEAR), .events = POLLIN};

		poll(&fd, 1, 100);
		while (images_result(images))
			;
	}
	printf("fanotify: ok, %u filesystems marked\n", images_watched(images));
	return images_watched(images) ? 0 : 1;
}

int main(int argc, char **argv)
{
	const uint64_t keep =
		SANDBOX_CAP(CAP_SYS_ADMIN) | SANDBOX_CAP(CAP_SYS_PTRACE) | SANDBOX_CAP(CAP_DAC_READ_SEARCH);
	static struct hasher h; /* static: lives as long as the threads that point into it */
	unsigned files;

	/* one heap for all threads: an arena each costs more than all they allocate */
	mallopt(M_ARENA_MAX, 1);
	if (argc == 2 && !strcmp(argv[1], "--doctor"))
		return doctor();
	stage_start(&h.stage, WIRE_STAGE_HASHER, OUT_BOUND, argc, argv);
	files = raise_files();
	sandbox_drop(h.stage.uid, h.stage.gid, keep); /* before the threads: it is a matter of each thread */
	h.watch = watch_new();
	if (!h.watch)
		h.unwatched = strerror(errno);
	h.places = places_new(&h.stage, PLACES_MAX);
	h.images = h.places ? images_new(&h.stage, h.watch, h.places, files) : NULL;
	if (!h.images)
		fatal("start");
	run(&h);
	finish(&h);
	/* A thread that waits for a dead server dies only when the server does, and until then keeps all that
	 * is open: the next stage must not wait for its end of file as long. */
	close(1);
	close(0);
	return 0;
}
