// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - the collector: loads the BPF programs, then hands what the kernel says to the hasher, as frames.
 *
 * It sleeps until a process does something new or a window ends. A record that wakes it is followed by a nap,
 * so that a burst of a thousand execs costs a few wake-ups. When the hasher does not read, flows simply wait
 * in the kernel (no sweep), and identity records wait here up to OUT_HIGH; past that they wait in the ring.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "collector/health.h"
#include "collector/probe.h"
#include "collector/record.h"
#include "collector/seed.h"
#include "collector/selftest.h"
#include "collector/sweep.h"
#include "config/log.h"
#include "config/sandbox.h"
#include "config/stage.h"

#define NAP_MS 40		 /* after a record that woke us */
#define OUT_BOUND (8 << 20)	 /* bytes of frames that may wait for the hasher */
#define OUT_HIGH (OUT_BOUND / 2) /* past this the ring is not read */
#define OUT_SWEEP (256 << 10)	 /* past this no socket is read */
#define STOP_MS 3000		 /* to hand over the last window */

struct collector {
	struct stage stage;
	struct probe *probe;
	struct record record;
	struct health health;
	struct sweep *sweep;
	uint64_t flush_id;   /* of the sweep under way */
	uint64_t flush_next; /* asked for during it */
	wire_ns window_from;
	int64_t window_due_ms; /* CLOCK_MONOTONIC */
	int epoll_fd;
	int clock_fd;
	bool stopping;
};

enum source {
	SOURCE_HEAD,
	SOURCE_RING,
	SOURCE_CLOCK,
	SOURCE_OUT
};

static int64_t now_ms(void)
{
	return clock_read().mono_ns / 1000000;
}

static void watch(struct collector *c, int fd, enum source source, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.u32 = source};

	if (epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &event) && errno != EEXIST)
		fatal("epoll");
}

/* ---- windows */

static void window_schedule(struct collector *c)
{
	c->window_due_ms = now_ms() + c->stage.settings.write_limit_s * 1000ll;
}

static void window_close(struct collector *c, uint64_t jiffies)
{
	struct wire_window window = {.from_ns = c->window_from, .flush_id = c->flush_id};

	clock_sync(&c->record.clock, jiffies, clock_read());
	window.to_ns = c->record.clock.now.real_ns;
	health_poll(&c->health, c->probe, &c->record, window.from_ns, window.to_ns);
	if (frame_put(c->stage.out, WIRE_WINDOW, &window, sizeof(window), NULL, 0))
		log_warnx("a window could not be passed on");
	c->window_from = window.to_ns;
	c->flush_id = 0;
	window_schedule(c);
}

static void sweep_begin(struct collector *c)
{
	int err;

	if (c->sweep)
		return;
	c->flush_id = c->flush_next;
	c->flush_next = 0;
	if ((err = sweep_start(&c->sweep, c->probe, &c->record)) < 0) {
		errno = -err;
		log_warn("sockets could not be read");
		window_schedule(c);
	}
}

/* One piece of the sweep under way. */
static void sweep_go_on(struct collector *c)
{
	uint64_t jiffies;
	int rc = sweep_step(&c->sweep, &jiffies);

	if (rc == 1)
		return;
	if (rc < 0) {
		errno = -rc;
		log_warn("sockets could not be read to the end");
		jiffies = c->record.clock.jiffies_now;
	}
	window_close(c, jiffies);
}

static void sweep_whole(struct collector *c)
{
	sweep_begin(c);
	while (c->sweep)
		sweep_go_on(c);
}

/* ---- the clock */

/* A timer that is cancelled whenever the wall clock is set or the machine resumes (timerfd_create(2)). */
static void clock_arm(struct collector *c)
{
	struct itimerspec far = {.it_value.tv_sec = 9000000000}; /* the year 2255; KTIME_MAX is 2262 */

	timerfd_settime(c->clock_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL);
}

/* Close the window by the old clock, begin the next by the new one. */
static void clock_broke(struct collector *c)
{
	struct clock_reading reading = clock_read();
	wire_ns before = c->record.clock.now.real_ns;
	int64_t by_ns;
	enum clock_break what = clock_compare(&c->record.clock, reading, &by_ns);

	clock_arm(c);
	if (what == CLOCK_STEADY)
		return;
	probe_ring_read(c->probe, record_take, &c->record);
	sweep_whole(c);
	c->window_from = reading.real_ns;
	if (what == CLOCK_SLEPT)
		stage_loss(&c->stage, WIRE_LOSS_SUSPENDED, reading.real_ns - by_ns, reading.real_ns, 0, 0,
			   "the machine slept");
	else
		stage_loss(&c->stage, WIRE_LOSS_CLOCK, by_ns > 0 ? before : (wire_ns)reading.real_ns,
			   by_ns > 0 ? (wire_ns)reading.real_ns : before, 0, 0,
			   "the clock was moved by %lld s", (long long)(by_ns / 1000000000));
}

/* ---- the head of the chain */

static void head_frame(struct collector *c, const struct wire_hdr *hdr, const void *payload)
{
	switch (hdr->type) {
	case WIRE_SETTINGS:
		stage_settings(&c->stage, payload);
		window_schedule(c);
		break;
	case WIRE_FLUSH:
		c->flush_next = ((const struct wire_flush *)payload)->id;
		sweep_begin(c);
		break;
	case WIRE_TICK:
		frame_pass(c->stage.out, hdr, payload);
		break;
	default:
		fatalx("frame of type %u at the head of the chain", hdr->type);
	}
}

/* False at the end of the file. */
static bool head_read(struct collector *c)
{
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	int rc;

	while ((rc = frame_fill(c->stage.in)) > 0) {
		while ((rc = frame_next(c->stage.in, &hdr, &payload, &why)) > 0)
			head_frame(c, hdr, payload);
		if (rc < 0)
			fatalx("broken frame from the supervisor: %s", why);
	}
	return rc == -EAGAIN;
}

/* ---- the loop */

/* Read the ring if there is room for what it holds. True if there was something. */
static bool drain(struct collector *c)
{
	int n;

	if (frame_pending(c->stage.out) > OUT_HIGH)
		return false;
	n = probe_ring_read(c->probe, record_take, &c->record);
	if (c->record.overflow_half_full) {
		c->record.overflow_half_full = 0;
		probe_overflow_take(c->probe, record_take, &c->record);
	}
	return n > 0;
}

/* Anything in the ring? If not, tell the programs that we sleep, and look once more, for what came between.
 */
static bool drain_before_sleep(struct collector *c)
{
	struct wire_shared *shared = probe_shared(c->probe);

	if (drain(c))
		return true;
	__atomic_store_n(&shared->collector_waits, 1, __ATOMIC_SEQ_CST);
	if (!drain(c))
		return false;
	shared->collector_waits = 0;
	return true;
}

static int flush_out(struct collector *c)
{
	int rc = frame_flush(c->stage.out);
	struct epoll_event event = {.events = rc == -EAGAIN ? EPOLLOUT : 0, .data.u32 = SOURCE_OUT};

	if (rc < 0 && rc != -EAGAIN)
		return rc;
	epoll_ctl(c->epoll_fd, EPOLL_CTL_MOD, STDOUT_FILENO, &event);
	return 0;
}

static int wait_ms(struct collector *c, bool nap)
{
	int64_t left = c->window_due_ms - now_ms();

	if (c->sweep && frame_pending(c->stage.out) < OUT_SWEEP)
		return 0;
	if (nap && (left > NAP_MS || c->sweep))
		return NAP_MS;
	return left > 0 && !c->sweep ? (int)left : c->sweep ? -1 : 0;
}

static void step(struct collector *c)
{
	bool nap = drain_before_sleep(c);
	struct epoll_event events[4];
	int n;

	if (!c->sweep && (now_ms() >= c->window_due_ms || c->flush_next))
		sweep_begin(c);
	if (c->sweep && frame_pending(c->stage.out) < OUT_SWEEP)
		sweep_go_on(c);
	if (flush_out(c) < 0)
		fatalx("the hasher is gone");
	n = epoll_wait(c->epoll_fd, events, 4, wait_ms(c, nap));
	probe_shared(c->probe)->collector_waits = 0;
	for (int i = 0; i < n; i++) {
		uint64_t ignored;

		if (events[i].data.u32 == SOURCE_HEAD)
			c->stopping |= !head_read(c);
		else if (events[i].data.u32 == SOURCE_CLOCK &&
			 read(c->clock_fd, &ignored, sizeof(ignored)) < 0 && errno == ECANCELED)
			clock_broke(c);
	}
}

/* The last window: stop counting, then read what was counted, so that nothing is lost in between. */
static void stop(struct collector *c)
{
	int64_t until = now_ms() + STOP_MS;

	probe_stop_counting(c->probe);
	sweep_free(c->sweep);
	c->sweep = NULL;
	sweep_whole(c);
	drain(c);
	sweep_whole(c);
	while (frame_flush(c->stage.out) == -EAGAIN && now_ms() < until) {
		struct epoll_event event;

		flush_out(c);
		epoll_wait(c->epoll_fd, &event, 1, 50);
	}
	if (frame_pending(c->stage.out))
		log_warnx("%zu bytes of records were not taken by the hasher", frame_pending(c->stage.out));
}

/* ---- start */

/* What was proven and what runs. Caller frees; NULL: no memory. */
static char *coverage(struct collector *c, const struct selftest_result *result)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	fprintf(f, "%s\n", result->text);
	probe_say(c->probe, f);
	fclose(f);
	return text;
}

static void say_ready(struct collector *c, const struct selftest_result *result)
{
	const char *missing = probe_missing(c->probe);
	char *text = coverage(c, result);

	if (missing[0])
		stage_loss(&c->stage, WIRE_LOSS_HOOK, 0, 0, 0, 0, "%s", missing);
	for (const char *line = strstr(result->text, "NOT PROVEN"); line;
	     line = strstr(line + 1, "NOT PROVEN"))
		stage_loss(&c->stage, WIRE_LOSS_HOOK, 0, 0, 0, 0, "self-test: %.*s", (int)strcspn(line, "\n"),
			   line);
	stage_ready(&c->stage, text ? text : result->text);
	free(text);
}

/* The kernel names processes as the first PID namespace does. In another one we could not even find
 * ourselves. Its inode number is fixed (PROC_PID_INIT_INO, include/linux/proc_ns.h, since Linux 3.8). */
static bool in_first_pid_namespace(void)
{
	struct stat ns;

	return stat("/proc/self/ns/pid", &ns) != 0 || ns.st_ino == 0xEFFFFFFC;
}

static enum hooks_set asked_set(const struct settings *settings)
{
	static const enum hooks_set sets[] = {
		[SETTINGS_HOOKS_AUTO] = HOOKS_ALWAYS,
		[SETTINGS_HOOKS_TRACEPOINTS] = HOOKS_TRACEPOINTS,
		[SETTINGS_HOOKS_TRAMPOLINES] = HOOKS_TRAMPOLINES,
	};

	return sets[settings->hooks];
}

/* Attach first, then look at what was there before: nothing falls between. */
static void begin(struct collector *c)
{
	struct selftest_result result;
	struct sweep *sweep = NULL;
	uint64_t jiffies = 0;

	if (!in_first_pid_namespace())
		fatalx("this is a PID namespace of its own (a container): run femtosnitch on the host, which "
		       "sees "
		       "its containers too");
	if (probe_open(&c->probe, c->stage.settings.ring_pages, asked_set(&c->stage.settings)) < 0)
		fatalx("nothing can be watched on this kernel; `femtosnitch doctor` says more");
	c->record.stage = &c->stage;
	c->record.own.tgid = getpid();
	/* an iterator over nothing yet, for the kernel's clock: records cannot be translated without */
	if (sweep_start(&sweep, c->probe, &c->record) == 0)
		while (sweep_step(&sweep, &jiffies) > 0)
			;
	clock_sync(&c->record.clock, jiffies, clock_read());
	probe_attach(c->probe);
	c->window_from = c->record.clock.now.real_ns;
	seed_run(c->probe, &c->record);
	selftest_run(c->probe, &c->record, &result);
	if (result.blind)
		fatalx("the kernel shows neither sending nor receiving:\n%s", result.text);
	say_ready(c, &result);
}

static int doctor(void)
{
	struct collector c = {.stage.id = WIRE_STAGE_COLLECTOR, .stage.settings.ring_pages = 64};
	struct selftest_result result;
	char *text;

	log_open("femtosnitch-collector", 0);
	if (!in_first_pid_namespace()) {
		printf("NOT PROVEN: anything: this is a PID namespace of its own (a container)\n");
		return 1;
	}
	c.stage.out = frame_writer_new(open("/dev/null", O_WRONLY | O_CLOEXEC), OUT_BOUND);
	if (!c.stage.out || probe_open(&c.probe, c.stage.settings.ring_pages, HOOKS_ALWAYS) < 0)
		return 1;
	c.record.stage = &c.stage;
	probe_attach(c.probe);
	seed_run(c.probe, &c.record);
	selftest_run(c.probe, &c.record, &result);
	text = coverage(&c, &result);
	puts(text ? text : result.text);
	free(text);
	probe_free(c.probe);
	return result.blind;
}

int main(int argc, char **argv)
{
	static struct collector c;

	if (argc == 2 && strcmp(argv[1], SELFTEST_ARG) == 0)
		return 0;
	if (argc == 2 && strcmp(argv[1], "--doctor") == 0)
		return doctor();
	stage_start(&c.stage, WIRE_STAGE_COLLECTOR, OUT_BOUND, argc, argv);
	begin(&c);
	/* bpf(2) on our own maps and iterators is all that is left to do */
	sandbox_drop(c.stage.uid, c.stage.gid, SANDBOX_CAP(CAP_BPF));
	c.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	c.clock_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (c.epoll_fd < 0 || c.clock_fd < 0)
		fatal("epoll, timerfd");
	clock_arm(&c);
	watch(&c, STDIN_FILENO, SOURCE_HEAD, EPOLLIN);
	watch(&c, STDOUT_FILENO, SOURCE_OUT, 0);
	watch(&c, probe_ring_fd(c.probe), SOURCE_RING, EPOLLIN | EPOLLET);
	watch(&c, c.clock_fd, SOURCE_CLOCK, EPOLLIN);
	window_schedule(&c);
	malloc_trim(0); /* loading took megabytes that are never needed again */
	while (!c.stopping)
		step(&c);
	stop(&c);
	probe_free(c.probe);
	return 0;
}
