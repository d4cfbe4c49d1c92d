// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * loop.c - the collector while it runs. It sleeps until a process does something new or a window ends. A
 * record that wakes it is followed by a nap, so that a burst of a thousand execs costs a few wake-ups. When
 * the hasher does not read, flows simply wait in the kernel (no sweep), and identity records wait here up to
 * OUT_HIGH; past that they wait in the ring.
 *
 * The end of a window waits a moment for the names in it (naming.h); what the ring holds meanwhile is passed
 * on before it, and so counts as of that window.
 */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "collector/adopt.h"
#include "collector/answer.h"
#include "collector/collector.h"
#include "config/log.h"

#define NAP_MS 40	      /* after a record that woke us */
#define OUT_SWEEP (256 << 10) /* past this no socket is read */
#define STOP_MS 3000	      /* to hand over the last window */

enum source {
	SOURCE_HEAD,
	SOURCE_RING,
	SOURCE_CLOCK,
	SOURCE_LATE,
	SOURCE_NAMES,
	SOURCE_OUT,
	SOURCE__MAX
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

/* ---- the ring */

/* Read the ring if there is room for what it holds. True if there was something. */
static bool drain(struct collector *c)
{
	int n;

	if (frame_pending(c->stage.out) > OUT_HIGH)
		return false;
	__atomic_store_n(&probe_shared(c->probe)->ring_called, 0, __ATOMIC_SEQ_CST);
	n = probe_ring_read(c->probe, record_take, &c->record);
	if (c->record.overflow_half_full) {
		c->record.overflow_half_full = 0;
		probe_overflow_take(c->probe, record_take, &c->record);
	}
	return n > 0;
}

/* ---- windows */

static void window_schedule(struct collector *c)
{
	c->window_due_ms = now_ms() + c->stage.settings.write_limit_s * 1000ll;
}

/* Its names are there, or do not come in time. */
static void window_put(struct collector *c)
{
	c->hold_until_ms = 0;
	if (frame_put(c->stage.out, WIRE_WINDOW, &c->window, sizeof(c->window), NULL, 0))
		log_warnx("a window could not be passed on");
	c->window_from = c->window.to_ns;
	if (c->journal) {
		adopt_notes(c->journal)->clock = c->record.clock;
		adopt_notes(c->journal)->window_from = c->window_from;
	}
	window_schedule(c);
}

/* All that was counted in it has been passed on. The payloads of its last connections lie in the ring. */
static void window_close(struct collector *c, uint64_t jiffies)
{
	clock_sync(&c->record.clock, jiffies, clock_read());
	drain(c);
	c->window = (struct wire_window){
		.from_ns = c->window_from, .to_ns = c->record.clock.now.real_ns, .flush_id = c->flush_id};
	c->flush_id = 0;
	health_poll(&c->health, c->probe, &c->record, c->window.from_ns, c->window.to_ns);
	if (naming_mark(c->naming, c->window.from_ns, c->window.to_ns))
		c->hold_until_ms = now_ms() + NAMING_HOLD_MS;
	else
		window_put(c);
}

static bool window_may_go(const struct collector *c)
{
	return c->hold_until_ms && (naming_echoed(c->naming) || now_ms() >= c->hold_until_ms);
}

/* The same without going on with anything else. */
static void window_wait(struct collector *c)
{
	struct pollfd names = {.fd = naming_fd(c->naming), .events = POLLIN};

	while (c->hold_until_ms && !window_may_go(c)) {
		poll(&names, 1, (int)(c->hold_until_ms - now_ms()) + 1);
		naming_serve(c->naming, now_ms());
	}
	if (c->hold_until_ms)
		window_put(c);
}

static void sweep_begin(struct collector *c)
{
	int err;

	if (c->sweep || c->hold_until_ms)
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
	window_wait(c);
	sweep_begin(c);
	while (c->sweep)
		sweep_go_on(c);
	window_wait(c);
}

/* ---- the clock */

/* A timer that is cancelled whenever the wall clock is set or the machine resumes (timerfd_create(2)). */
static void clock_arm(struct collector *c)
{
	struct itimerspec far = {.it_value.tv_sec = 9000000000}; /* the year 2255; KTIME_MAX is 2262 */

	timerfd_settime(c->clock_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL);
}

void loop_clock(struct collector *c)
{
	struct clock_reading reading = clock_read();
	wire_ns before = c->record.clock.now.real_ns;
	int64_t by_ns;
	enum clock_break what = clock_compare(&c->record.clock, reading, &by_ns);

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

/* What only the start may attach. */
static void answers_wanted(struct collector *c)
{
	bool wanted = answer_wanted(&c->stage.settings);

	if (wanted && c->answers == 0)
		stage_error(&c->stage, "no domain of \"Log ignore\" hides anything until the next start");
	if (wanted || c->answers <= 0)
		return;
	close(c->answers);
	c->answers = 0;
	start_say(c);
}

static void head_frame(struct collector *c, const struct wire_hdr *hdr, const void *payload)
{
	switch (hdr->type) {
	case WIRE_SETTINGS:
		stage_settings(&c->stage, payload);
		probe_shared(c->probe)->read_names = c->stage.settings.read_names;
		answers_wanted(c);
		window_schedule(c);
		break;
	case WIRE_FLUSH:
		c->flush_next = ((const struct wire_flush *)payload)->id;
		sweep_begin(c);
		break;
	case WIRE_TICK:
	case WIRE_ORDER: /* these are for the stages behind us */
	case WIRE_VERDICT:
	case WIRE_SINK:
	case WIRE_FETCH:
	case WIRE_NAME:
	case WIRE_ERROR:
		frame_pass(c->stage.out, hdr, payload);
		break;
	case WIRE_STOP:
		c->stop_ordered = true;
		break;
	case WIRE_COMMITTED:
		if (c->journal)
			journal_durable(c->journal, ((const struct wire_committed *)payload)->to_ns);
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

static int sooner_ms(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int wait_ms(struct collector *c, bool nap)
{
	int64_t now = now_ms(), left = c->window_due_ms - now;

	if (c->hold_until_ms) {
		left = c->hold_until_ms - now;
		return window_may_go(c) ? 0 : nap && left > NAP_MS ? NAP_MS : (int)left;
	}
	if (c->sweep ? frame_pending(c->stage.out) < OUT_SWEEP : c->flush_next != 0)
		return 0;
	if (nap && (left > NAP_MS || c->sweep))
		return NAP_MS;
	return left > 0 && !c->sweep ? (int)left : c->sweep ? -1 : 0;
}

static void step(struct collector *c)
{
	bool nap = drain_before_sleep(c);
	struct epoll_event events[SOURCE__MAX];
	int n;

	if (!c->sweep && (now_ms() >= c->window_due_ms || c->flush_next))
		sweep_begin(c);
	if (c->sweep && frame_pending(c->stage.out) < OUT_SWEEP)
		sweep_go_on(c);
	naming_tick(c->naming, c->stage.settings.read_names, now_ms());
	naming_serve(c->naming, now_ms());
	if (window_may_go(c))
		window_put(c);
	late_look(c->late, now_ms());
	if (flush_out(c) < 0)
		fatalx("the hasher is gone");
	n = epoll_wait(c->epoll_fd, events, SOURCE__MAX,
		       sooner_ms(wait_ms(c, nap), naming_due_ms(c->naming, now_ms())));
	probe_shared(c->probe)->collector_waits = 0;
	for (int i = 0; i < n; i++) {
		uint64_t ignored;

		if (events[i].data.u32 == SOURCE_HEAD)
			c->stopping |= !head_read(c);
		else if (events[i].data.u32 == SOURCE_CLOCK &&
			 read(c->clock_fd, &ignored, sizeof(ignored)) < 0 && errno == ECANCELED) {
			clock_arm(c);
			loop_clock(c);
		} else if (events[i].data.u32 == SOURCE_LATE) {
			unsigned had = probe_hold(c->probe)->n;

			if (late_take(c->late, &c->stage))
				start_more(c, had);
		}
	}
}

/* The last window: stop counting, then read what was counted, so that nothing is lost in between. Where
 * somebody keeps us in the kernel nothing stops, and what comes now is the next run's. */
static void last_window(struct collector *c)
{
	if (!c->journal)
		probe_stop_counting(c->probe);
	sweep_free(c->sweep);
	c->sweep = NULL;
	sweep_whole(c);
	drain(c);
	sweep_whole(c);
}

/* If the supervisor died, we may be killed any moment: no time to take anything out of the kernel, where it
 * is safe if somebody keeps it. */
static void stop(struct collector *c)
{
	int64_t until = now_ms() + STOP_MS;

	if (!c->journal || c->stop_ordered)
		last_window(c);
	while (frame_flush(c->stage.out) == -EAGAIN && now_ms() < until) {
		struct epoll_event event;

		flush_out(c);
		epoll_wait(c->epoll_fd, &event, 1, 50);
	}
	if (frame_pending(c->stage.out))
		log_warnx("%zu bytes of records were not taken by the hasher", frame_pending(c->stage.out));
}

void loop_run(struct collector *c)
{
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	c->clock_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (c->epoll_fd < 0 || c->clock_fd < 0)
		fatal("epoll, timerfd");
	clock_arm(c);
	watch(c, STDIN_FILENO, SOURCE_HEAD, EPOLLIN);
	watch(c, STDOUT_FILENO, SOURCE_OUT, 0);
	watch(c, probe_ring_fd(c->probe), SOURCE_RING, EPOLLIN | EPOLLET);
	watch(c, c->clock_fd, SOURCE_CLOCK, EPOLLIN);
	if (late_fd(c->late) >= 0)
		watch(c, late_fd(c->late), SOURCE_LATE, EPOLLIN);
	if (naming_fd(c->naming) >= 0)
		watch(c, naming_fd(c->naming), SOURCE_NAMES, EPOLLIN);
	window_schedule(c);
	while (!c->stopping)
		step(c);
	stop(c);
}
