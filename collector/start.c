// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * start.c - from the settings to the ready line. Either everything is loaded anew, or the maps, programs and
 * links of the run before are taken over, which have counted all the while: then what it could not get into
 * the log is sent again, and nobody says that nobody watched.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/adopt.h"
#include "collector/answer.h"
#include "collector/collector.h"
#include "collector/seed.h"
#include "collector/selftest.h"
#include "config/log.h"

/* What was proven and what runs. Caller frees; NULL: no memory. */
static char *coverage(struct collector *c)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	fprintf(f, "%s\n", c->proven.text);
	probe_say(c->probe, f);
	if (c->libc)
		fprintf(f, "\ngetaddrinfo watched: C libraries: %u", libc_watched(c->libc));
	else if (c->libc_missing)
		fprintf(f, "\nrefused uprobe/getaddrinfo: %s", c->libc_missing);
	if (c->answers > 0)
		fprintf(f, "\nanswers of name servers watched: for Log ignore");
	else if (c->answers < 0)
		fprintf(f, "\nrefused cgroup_skb/ingress: no domain of Log ignore hides anything (%s)",
			strerror(-c->answers));
	if (c->since_ns)
		fprintf(f, "\ntaken over after %.1f s", (c->ready_ns - c->since_ns) / 1e9);
	fclose(f);
	return text;
}

void start_say(struct collector *c)
{
	char *text = coverage(c);

	stage_ready(&c->stage, text ? text : c->proven.text);
	free(text);
}

static void say_ready(struct collector *c)
{
	const char *missing = probe_missing(c->probe);

	if (missing[0])
		stage_loss(&c->stage, WIRE_LOSS_HOOK, 0, 0, 0, 0, "%s", missing);
	for (const char *line = strstr(c->proven.text, "NOT PROVEN"); line;
	     line = strstr(line + 1, "NOT PROVEN"))
		stage_loss(&c->stage, WIRE_LOSS_HOOK, 0, 0, 0, 0, "self-test: %.*s", (int)strcspn(line, "\n"),
			   line);
	c->ready_ns = stage_now();
	start_say(c);
}

/* The kernel names processes as the first PID namespace does. In another one we could not even find
 * ourselves. Its inode number is fixed (PROC_PID_INIT_INO, include/linux/proc_ns.h, since Linux 3.8). */
static bool in_first_pid_namespace(void)
{
	struct stat ns;

	return stat("/proc/self/ns/pid", &ns) != 0 || ns.st_ino == 0xEFFFFFFC;
}

static void watch_libc(struct collector *c)
{
	c->libc = libc_start(probe_hold(c->probe), &c->stage, &c->libc_missing);
	c->record.libc = c->libc;
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

/* Records cannot be translated without the kernel's clock. */
static void read_clock(struct collector *c)
{
	struct sweep *sweep = NULL;
	uint64_t jiffies = 0;

	/* an iterator over nothing yet */
	if (sweep_start(&sweep, c->probe, &c->record) == 0)
		while (sweep_step(&sweep, &jiffies) > 0)
			;
	clock_sync(&c->record.clock, jiffies, clock_read());
}

/* Attach first, then look at what was there before: nothing falls between. */
static void start_anew(struct collector *c, const struct load_wish *wish)
{
	if (probe_open(&c->probe, wish->ring_pages, wish->set) < 0)
		fatalx("nothing can be watched on this kernel; `femtosnitch doctor` says more");
	read_clock(c);
	probe_shared(c->probe)->read_names = c->stage.settings.read_names;
	probe_attach(c->probe);
	c->window_from = c->record.clock.now.real_ns;
	seed_run(c->probe, &c->record);
}

/* ---- after and before another run */

static void note_frame(void *arg, const struct wire_hdr *hdr, const void *head, size_t head_len,
		       const void *tail, size_t tail_len)
{
	journal_add(arg, hdr, head, head_len, tail, tail_len);
}

static void number_facts(struct collector *c, uint64_t next_fact, uint64_t skipped_bytes, wire_ns since_ns)
{
	struct wire_resume resume = {
		.journal = journal_id(c->journal),
		.next_fact = next_fact,
		.skipped_bytes = skipped_bytes,
		.since_ns = since_ns,
	};

	frame_put(c->stage.out, WIRE_RESUME, &resume, sizeof(resume), NULL, 0);
}

/* A journal may hold more than waits here for the hasher, who reads it as fast as it can. */
static void wait_for_room(struct collector *c)
{
	struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

	while (frame_pending(c->stage.out) > OUT_HIGH) {
		poll(&out, 1, -1);
		if (frame_flush(c->stage.out) == -EPIPE)
			fatalx("the hasher is gone");
	}
}

static int send_again(void *arg, const struct wire_hdr *hdr, const void *payload)
{
	struct collector *c = arg;
	struct wire_window window;

	wait_for_room(c);
	if (hdr->type != WIRE_WINDOW)
		return frame_pass(c->stage.out, hdr, payload);
	memcpy(&window, payload, sizeof(window));
	window.flush_id = 0; /* whoever asked is gone */
	return frame_put(c->stage.out, WIRE_WINDOW, &window, sizeof(window), NULL, 0);
}

/* What was on its way when the run before ended. */
static void replay(struct collector *c)
{
	wire_ns since = journal_durable_to(c->journal);
	uint64_t bytes;
	int err;

	number_facts(c, journal_first(c->journal), 0, since);
	if ((err = journal_replay(c->journal, send_again, c)) < 0)
		log_warnx("the journal could not be sent again: %s", strerror(-err));
	if (!journal_missed(c->journal, &bytes))
		return;
	number_facts(c, journal_facts(c->journal), bytes, since);
	journal_forget(c->journal);
}

/* The kernel's jiffies go on from where the run before noted them, at the pace of CLOCK_MONOTONIC. */
static void go_on_with_clock(struct collector *c)
{
	struct clock *clock = &c->record.clock;
	struct clock_reading reading = clock_read();
	int64_t passed = reading.mono_ns - clock->now.mono_ns;

	loop_clock(c);
	if (passed > 0)
		clock_sync(clock, clock->jiffies_now + passed / clock_tick_ns(), reading);
}

static void take_over(struct collector *c, struct hold *hold)
{
	const struct notes *notes = adopt_notes(c->journal);

	if (probe_adopt(&c->probe, hold, &notes->report) < 0)
		fatalx("what the run before left in the kernel cannot be used: the next start loads anew");
	c->record.clock = notes->clock;
	c->record.own.before = notes->own;
	c->window_from = c->since_ns = notes->window_from;
	replay(c);
	frame_writer_tee(c->stage.out, note_frame, c->journal);
	probe_shared(c->probe)->read_names = c->stage.settings.read_names;
	if (probe_shared(c->probe)->taking)
		stage_loss(&c->stage, WIRE_LOSS_PIPE, c->since_ns, stage_now(), 1, 0,
			   "the collector was killed while it read counters: what it just read is missing");
	go_on_with_clock(c);
	probe_describe_again(c->probe);
	probe_ring_read(c->probe, record_take, &c->record);
	seed_again(c->probe, &c->record);
}

/* From here on a restart is watched, if there is somebody to keep what we have. */
static void leave_for_next(struct collector *c, const struct load_wish *wish)
{
	struct notes *notes = c->journal ? adopt_notes(c->journal) : NULL;
	int err = 0;

	if (notes) {
		notes->report = *probe_report(c->probe);
		notes->clock = c->record.clock;
		notes->window_from = c->window_from;
		notes->own = c->record.own.key;
		notes->starting = 0;
	}
	if (!c->since_ns)
		err = adopt_leave(c->stage.handover, wish, probe_hold(c->probe), c->journal);
	if (err < 0)
		log_warnx("a restart will not be watched: %s", strerror(-err));
	if (err == 0 && notes)
		return; /* there may be more later */
	close(c->stage.handover);
	c->stage.handover = -1;
}

void start_more(struct collector *c, unsigned had)
{
	const struct hold *hold = probe_hold(c->probe);
	int err = 0;

	start_say(c);
	if (c->stage.handover < 0)
		return;
	if (hold->n > had)
		err = adopt_leave_more(c->stage.handover, hold, had, c->journal);
	if (err == 0)
		adopt_notes(c->journal)->report = *probe_report(c->probe);
	else
		log_warnx("modules that came late will not be watched during a restart: %s", strerror(-err));
}

void start_answers(struct collector *c)
{
	if (!answer_wanted(&c->stage.settings))
		return;
	c->answers = answer_watch(probe_hold(c->probe));
	start_say(c);
}

void start_run(struct collector *c)
{
	struct load_wish wish = {.ring_pages = c->stage.settings.ring_pages,
				 .set = asked_set(&c->stage.settings)};
	bool kept = c->stage.handover >= 0;
	struct hold hold = {0};

	if (!in_first_pid_namespace())
		fatalx("this is a PID namespace of its own (a container): run femtosnitch on the host, which "
		       "sees its containers too");
	c->record.stage = &c->stage;
	c->record.own.tgid = getpid();
	if (kept)
		c->journal = adopt_take(c->stage.handover, &wish, &hold);
	if (c->journal) {
		take_over(c, &hold);
	} else {
		if (kept && (c->journal = journal_new(stage_now()))) {
			number_facts(c, 0, 0, 0);
			frame_writer_tee(c->stage.out, note_frame, c->journal);
		}
		start_anew(c, &wish);
	}
	if (c->stage.settings.read_names)
		watch_libc(c);
	selftest_run(c->probe, &c->record, &c->proven);
	if (c->proven.blind)
		fatalx("the kernel shows neither sending nor receiving:\n%s", c->proven.text);
	say_ready(c);
	if (kept)
		leave_for_next(c, &wish);
}

int start_doctor(void)
{
	struct collector c = {.stage.id = WIRE_STAGE_COLLECTOR};
	struct load_wish wish = {.ring_pages = 64};
	char *text;

	if (!in_first_pid_namespace()) {
		printf("NOT PROVEN: anything: this is a PID namespace of its own (a container)\n");
		return 1;
	}
	c.stage.out = frame_writer_new(open("/dev/null", O_WRONLY | O_CLOEXEC), OUT_BOUND);
	if (!c.stage.out)
		return 1;
	c.record.stage = &c.stage;
	start_anew(&c, &wish);
	watch_libc(&c);
	selftest_run(c.probe, &c.record, &c.proven);
	text = coverage(&c);
	puts(text ? text : c.proven.text);
	free(text);
	libc_free(c.libc);
	probe_free(c.probe);
	return c.proven.blind;
}
