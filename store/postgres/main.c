// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - femtosnitch-postgres: the copy of the log on a PostgreSQL server; and `pg-schema`, which prints
 * what it needs there. A sink: a process of its own, without privileges, which hears of each window that was
 * written and says how far it got; the store keeps that (store/copied.h). The server may hang or be away:
 * nobody waits for us, and snitch.db keeps what is not there yet. Killed at any time, it begins behind the
 * last window that snitch.db knows of; rows that are there already are not put in twice.
 */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "config/log.h"
#include "config/process.h"
#include "config/sandbox.h"
#include "config/stage.h"
#include "store/postgres/copy.h"
#include "store/postgres/ddl.h"
#include "store/postgres/link.h"
#include "store/postgres/target.h"

#define NS UINT64_C(1000000000)
#define OUT_BOUND (64 * 1024)
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 300000
#define STUCK_MS 60000 /* what the server refuses for a reason of its own is not asked more often */
#define IDLE_MS 60000  /* a connection that is not used this long is given back: servers have few */
#define SAY_MS 1000    /* between two reports of how far we are */
#define SAY_WINDOWS 64 /* or when so many more windows are there */

struct server {
	struct stage stage;
	struct target target;
	struct link *link;
	struct copy *copy;     /* NULL: snitch.db could not be opened */
	struct wire_sink said; /* what is reported */
	char error[300];
	bool refused;		   /* the settings are wrong: until there are other ones */
	bool woken;		   /* something may wait */
	int64_t acked;		   /* windows up to it are there */
	int64_t sent;		   /* windows up to it were sent at least in part */
	int64_t retry_until;	   /* windows up to it may have been sent before: their rows may be there */
	int64_t retry_ms, wait_ms; /* next try, and how long the last wait was */
	int64_t used_ms, said_ms;
};

static void say(struct server *s, bool now)
{
	int64_t at = process_now_ms();
	uint64_t rows, seconds;

	if (!now && at - s->said_ms < SAY_MS && s->acked < (int64_t)s->said.seq + SAY_WINDOWS)
		return;
	s->said_ms = at;
	s->said.seq = (uint64_t)s->acked;
	s->said.text_len = (uint32_t)strlen(s->error);
	if (s->copy) {
		(void)copy_behind(s->copy, s->acked, (int64_t)(stage_now() / NS), &rows, &seconds);
		s->said.file = copy_file(s->copy);
		s->said.behind_rows = rows;
		s->said.behind_s = seconds;
	}
	(void)frame_put(s->stage.out, WIRE_SINK, &s->said, sizeof(s->said), s->error, s->said.text_len);
}

/* The same error again is in the status, not in the log. */
static void trouble(struct server *s, const char *why)
{
	char text[sizeof(s->error)];
	size_t i;

	snprintf(text, sizeof(text), "%s", why);
	for (i = 0; text[i]; i++) /* the status is UTF-8 */
		if ((unsigned char)text[i] < ' ' || (unsigned char)text[i] > '~')
			text[i] = '?';
	s->said.error_ns = stage_now();
	if (strcmp(text, s->error) != 0)
		(void)stage_error(&s->stage, "PostgreSQL: %s", text);
	memcpy(s->error, text, sizeof(text));
	say(s, true);
}

static void well(struct server *s)
{
	s->said.success_ns = stage_now();
	s->wait_ms = 0;
	if (s->error[0])
		(void)stage_error(&s->stage, "PostgreSQL: rows are copied again");
	s->error[0] = '\0';
}

/* Wait twice as long as before, and not all hosts of a fleet at once. */
static void back_off(struct server *s, bool stuck)
{
	uint32_t dice = 0;

	s->wait_ms = s->wait_ms ? 2 * s->wait_ms : RETRY_MIN_MS;
	if (stuck && s->wait_ms < STUCK_MS)
		s->wait_ms = STUCK_MS / 4;
	if (s->wait_ms > RETRY_MAX_MS)
		s->wait_ms = RETRY_MAX_MS;
	if (getrandom(&dice, sizeof(dice), GRND_NONBLOCK) != sizeof(dice))
		dice = 0;
	s->retry_ms = process_now_ms() + s->wait_ms / 2 + (int64_t)(dice % (uint32_t)s->wait_ms);
}

static void failed(struct server *s, int rc, const char *why)
{
	link_close(s->link);
	copy_from(s->copy, s->acked);
	s->retry_until = s->sent > s->retry_until ? s->sent : s->retry_until;
	trouble(s, why);
	back_off(s, rc == -EPERM);
}

/* A row that is not there although nobody sent it before: another log has our id. */
static void check_counts(struct server *s, const struct link_batch *b, const uint32_t inserted[LAYOUT__MAX],
			 int64_t seq)
{
	char text[200];

	if (seq <= s->retry_until || (inserted[LAYOUT_FLOW] == b->rows[LAYOUT_FLOW].n &&
				      inserted[LAYOUT_WINDOW] == b->rows[LAYOUT_WINDOW].n))
		return;
	snprintf(text, sizeof(text),
		 "%u of %u rows were not taken: others are there with the same host, log and number (a "
		 "machine "
		 "that was cloned while it ran?)",
		 b->rows[LAYOUT_FLOW].n - inserted[LAYOUT_FLOW], b->rows[LAYOUT_FLOW].n);
	(void)stage_error(&s->stage, "PostgreSQL: %s", text);
	snprintf(s->error, sizeof(s->error), "%s", text);
	s->said.error_ns = stage_now();
}

/* How many rows a batch had, while the next one is made in its place. */
struct sent {
	struct link_batch counts; /* only the counts */
	struct copy_mark to;
	int64_t first; /* window */
	bool any;
};

static int finish(struct server *s, struct sent *sent)
{
	uint32_t inserted[LAYOUT__MAX];
	int rc;

	if (!sent->any)
		return 0;
	sent->any = false;
	if ((rc = link_finish(s->link, inserted)) != 0)
		return rc;
	well(s);
	check_counts(s, &sent->counts, inserted, sent->first);
	s->said.rows += sent->counts.rows[LAYOUT_FLOW].n;
	if (sent->to.seq > s->acked) {
		s->acked = sent->to.seq;
		say(s, false);
	}
	return 0;
}

static void remember(struct sent *sent, const struct link_batch *b, const struct copy_mark *from,
		     const struct copy_mark *to)
{
	int i;

	for (i = 0; i < LAYOUT__MAX; i++)
		sent->counts.rows[i].n = b->rows[i].n;
	sent->to = *to;
	sent->first = from->seq + 1;
	sent->any = true;
}

static bool has_order(void)
{
	struct pollfd in = {.fd = 0, .events = POLLIN};

	return poll(&in, 1, 0) > 0;
}

/* snitch.db, which may be another one than before. False: it cannot be read now. */
static bool begin(struct server *s)
{
	char why[400];

	if (s->copy && !copy_is_stale(s->copy))
		return true;
	copy_close(s->copy);
	s->copy = copy_open(s->stage.state_dir, why, sizeof(why));
	if (!s->copy) {
		trouble(s, why);
		back_off(s, false);
		return false;
	}
	s->acked = copy_cursor(s->copy);
	s->said.seq = 0;
	s->sent = s->retry_until = copy_newest(s->copy); /* a process before us may have sent them */
	copy_from(s->copy, s->acked);
	return true;
}

/* Send what waits, one batch on its way while the next is made, until nothing does or somebody has news. */
static void work(struct server *s)
{
	static struct sent sent;
	const struct link_batch *batch;
	struct copy_mark from = {.seq = s->acked}, to;
	int rc = 0, made = 1;

	if (!begin(s))
		return;
	if (!link_is_open(s->link)) {
		if (copy_newest(s->copy) <= s->acked) {
			s->woken = false;
			return;
		}
		rc = link_open(s->link, &s->target);
	}
	sent.any = false;
	while (rc == 0 && (made = copy_next(s->copy, &batch, &to)) == 1) {
		if ((rc = finish(s, &sent)) != 0 || (rc = link_send(s->link, batch)) != 0)
			break;
		remember(&sent, batch, &from, &to);
		s->sent = to.seq + (to.flow > 0);
		from = to;
		(void)frame_flush(s->stage.out);
		if (has_order())
			break;
	}
	if (rc == 0)
		rc = finish(s, &sent);
	s->used_ms = process_now_ms();
	if (rc != 0) {
		failed(s, rc, link_why(s->link));
	} else if (made < 0) {
		trouble(s, copy_why(s->copy));
		back_off(s, false);
	} else if (made == 0) {
		s->woken = false;
		say(s, true);
	}
}

/* The settings are these now: begin anew where the copy goes elsewhere. */
static void settings_changed(struct server *s)
{
	struct target other;
	int rc = target_parse(&other, s->stage.settings.sql_server);

	if (rc == -ENOMEM)
		fatalx("no memory");
	link_close(s->link);
	if (s->copy)
		copy_from(s->copy, s->acked);
	target_free(&s->target);
	s->target = other;
	s->refused = rc != 0;
	s->retry_ms = s->wait_ms = 0;
	s->woken = true;
	if (s->target.why[0])
		(void)stage_error(&s->stage, "PostgreSQL: %s%s",
				  rc ? "no copy is made: \"DB sql server\": " : "", s->target.why);
	if (!s->refused)
		return;
	snprintf(s->error, sizeof(s->error), "%s", s->target.why);
	s->said.error_ns = stage_now();
	say(s, true);
}

static void take_frame(struct server *s, const struct wire_hdr *hdr, const void *payload)
{
	const struct wire_committed *committed = payload;
	char *before;

	if (hdr->type == WIRE_COMMITTED) {
		s->woken |= committed->news > 0;
	} else if (hdr->type == WIRE_SETTINGS) {
		before = strdup(s->stage.settings.sql_server);
		if (stage_settings(&s->stage, payload) == 0 &&
		    (!before || strcmp(before, s->stage.settings.sql_server) != 0))
			settings_changed(s);
		free(before);
	}
}

/* False at end of file, which is the order to end. */
static bool take_frames(struct server *s)
{
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	int rc;

	for (;;) {
		while ((rc = frame_next(s->stage.in, &hdr, &payload, &why)) == 1)
			take_frame(s, hdr, payload);
		if (rc < 0)
			fatalx("broken peer: %s", why);
		rc = frame_fill(s->stage.in);
		if (rc != 1)
			return rc == -EAGAIN;
	}
}

/* Milliseconds until there may be something to do, -1 = when we are told. */
static int wait_ms(struct server *s)
{
	int64_t now = process_now_ms(), at = -1;

	if (s->woken && !s->refused)
		at = s->retry_ms;
	else if (link_is_open(s->link))
		at = s->used_ms + IDLE_MS;
	if (at < 0)
		return -1;
	return at <= now ? 0 : (int)(at - now);
}

static void loop(struct server *s)
{
	struct pollfd in = {.fd = 0, .events = POLLIN};
	int wait;

	while (take_frames(s)) {
		wait = wait_ms(s);
		if (wait == 0 && s->woken && !s->refused) {
			work(s);
		} else if (wait == 0) {
			link_close(s->link);
			malloc_trim(0);
		}
		(void)frame_flush(s->stage.out);
		if (wait != 0 && poll(&in, 1, wait) < 0 && errno != EINTR)
			fatal("poll");
	}
}

static int run(int argc, char **argv)
{
	static struct server s;

	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 65536);
	stage_start(&s.stage, WIRE_STAGE_POSTGRES, OUT_BOUND, argc, argv);
	sandbox_drop(s.stage.uid, s.stage.gid, 0);
	s.said.stage = WIRE_STAGE_POSTGRES;
	if (!(s.link = link_new()))
		fatalx("no memory");
	settings_changed(&s);
	loop(&s);
	link_free(s.link);
	copy_close(s.copy);
	target_free(&s.target);
	frame_reader_free(s.stage.in);
	frame_writer_free(s.stage.out);
	settings_free(&s.stage.settings);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "pg-schema") == 0) {
		log_open("femtosnitch", 0);
		return ddl_command(argc - 1, argv + 1);
	}
	return run(argc, argv);
}
