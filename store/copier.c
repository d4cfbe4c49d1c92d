// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * copier.c - see copier.h.
 */
#include "store/copier.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "config/log.h"
#include "config/process.h"
#include "config/sandbox.h"
#include "config/stage.h"
#include "store/copy.h"

#define NS UINT64_C(1000000000)
#define OUT_BOUND (64 * 1024)
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 300000
#define STUCK_MS 60000 /* what the server refuses for a reason of its own is not asked more often */
#define IDLE_MS 60000  /* a connection that is not used this long is given back: servers have few */
#define SAY_MS 1000    /* between two reports of how far we are */
#define SAY_WINDOWS 64 /* or when so many more windows are there */

struct copier {
	struct stage stage;
	const struct driver *driver;
	void *link;
	struct copy *copy;     /* NULL: snitch.db could not be opened */
	struct wire_sink said; /* what is reported */
	char error[300];
	bool refused;		   /* the settings are wrong: until there are other ones */
	bool woken;		   /* something may wait */
	int64_t acked;		   /* windows up to it are there */
	int64_t sent;		   /* windows up to it were sent, or may have been */
	int64_t sent_before;	   /* ...before what stands now was opened: they may be there */
	int64_t single_until;	   /* windows up to it go one by one, to find those that are there */
	int64_t retry_ms, wait_ms; /* next try, and how long the last wait was */
	int64_t used_ms, said_ms;
};

static void say(struct copier *c, bool now)
{
	int64_t at = process_now_ms();
	uint64_t rows, seconds;

	if (!now && at - c->said_ms < SAY_MS && c->acked < (int64_t)c->said.seq + SAY_WINDOWS)
		return;
	c->said_ms = at;
	c->said.seq = (uint64_t)c->acked;
	c->said.text_len = (uint32_t)strlen(c->error);
	if (c->copy) {
		(void)copy_behind(c->copy, c->acked, (int64_t)(stage_now() / NS), &rows, &seconds);
		c->said.file = copy_file(c->copy);
		c->said.behind_rows = rows;
		c->said.behind_s = seconds;
	}
	(void)frame_put(c->stage.out, WIRE_SINK, &c->said, sizeof(c->said), c->error, c->said.text_len);
}

/* The same error again is in the status, not in the log. */
static void trouble(struct copier *c, const char *why)
{
	char text[sizeof(c->error)];
	size_t i;

	snprintf(text, sizeof(text), "%s", why);
	for (i = 0; text[i]; i++) /* the status is UTF-8 */
		if ((unsigned char)text[i] < ' ' || (unsigned char)text[i] > '~')
			text[i] = '?';
	c->said.error_ns = stage_now();
	if (strcmp(text, c->error) != 0)
		(void)stage_error(&c->stage, "%s: %s", c->driver->server, text);
	memcpy(c->error, text, sizeof(text));
	say(c, true);
}

static void well(struct copier *c)
{
	c->said.success_ns = stage_now();
	c->wait_ms = 0;
	if (c->error[0])
		(void)stage_error(&c->stage, "%s: rows are copied again", c->driver->server);
	c->error[0] = '\0';
}

/* Wait twice as long as before, and not all hosts of a fleet at once. */
static void back_off(struct copier *c, bool stuck)
{
	uint32_t dice = 0;

	c->wait_ms = c->wait_ms ? 2 * c->wait_ms : RETRY_MIN_MS;
	if (stuck && c->wait_ms < STUCK_MS)
		c->wait_ms = STUCK_MS / 4;
	if (c->wait_ms > RETRY_MAX_MS)
		c->wait_ms = RETRY_MAX_MS;
	if (getrandom(&dice, sizeof(dice), GRND_NONBLOCK) != sizeof(dice))
		dice = 0;
	c->retry_ms = process_now_ms() + c->wait_ms / 2 + (int64_t)(dice % (uint32_t)c->wait_ms);
}

/* ---- batches */

/* Some of these windows are there. One by one it shows which; of those nothing is sent. */
static int are_there(struct copier *c, const struct copy_batch *b, uint32_t inserted)
{
	int rc = c->driver->rollback(c->link);
	char text[200];

	if (rc != 0)
		return rc;
	if (inserted > 0 || (b->windows > 1 && b->last > c->sent_before)) {
		c->single_until = b->last;
		return 0;
	}
	if (b->last > c->sent_before) {
		snprintf(text, sizeof(text),
			 "window %" PRId64 " (%" PRIu64
			 " rows) was not taken: another is there with the same host, log "
			 "and number (a machine that was cloned while it ran?)",
			 b->last, b->flows);
		trouble(c, text);
	}
	copy_done(c->copy);
	c->acked = b->last;
	say(c, false);
	return 0;
}

/* -ENODATA: snitch.db could not be read. */
static int send_batch(struct copier *c, const struct copy_batch *b)
{
	const struct driver *d = c->driver;
	uint32_t inserted;
	int rc = d->is_open(c->link) ? 0 : d->open(c->link), more;

	if (rc != 0 || (rc = d->begin(c->link, b->log)) != 0)
		return rc;
	copy_windows(c->copy, d, c->link);
	if ((rc = d->windows(c->link, &inserted)) != 0)
		return rc;
	if (inserted != b->windows)
		return are_there(c, b, inserted);
	c->sent = b->last > c->sent ? b->last : c->sent;
	while ((more = copy_rows(c->copy, d, c->link)) == 1)
		if ((rc = d->send(c->link)) != 0)
			return rc;
	if (more < 0)
		return -ENODATA;
	if ((rc = d->commit(c->link)) != 0)
		return rc;
	copy_done(c->copy);
	well(c);
	c->said.rows += b->flows;
	c->acked = b->last;
	say(c, false);
	return 0;
}

static void failed(struct copier *c, int rc)
{
	const char *why = rc == -ENODATA ? copy_why(c->copy) : c->driver->why(c->link);

	c->driver->close(c->link);
	copy_from(c->copy, c->acked);
	c->sent_before = c->sent;
	trouble(c, why);
	back_off(c, rc == -EPERM);
}

/* snitch.db, which may be another one than before. False: it cannot be read now. */
static bool open_log(struct copier *c)
{
	char why[400];

	if (c->copy && !copy_is_stale(c->copy))
		return true;
	copy_close(c->copy);
	c->copy = copy_open(c->stage.state_dir, why, sizeof(why));
	if (!c->copy) {
		trouble(c, why);
		back_off(c, false);
		return false;
	}
	c->acked = copy_cursor(c->copy, c->driver->stage);
	c->said.seq = 0;
	c->sent = c->sent_before = copy_newest(c->copy); /* by a process before us */
	c->single_until = 0;
	copy_from(c->copy, c->acked);
	return true;
}

static bool has_order(void)
{
	struct pollfd in = {.fd = 0, .events = POLLIN};

	return poll(&in, 1, 0) > 0;
}

/* Send what waits until nothing does, or somebody has news. */
static void work(struct copier *c)
{
	struct copy_batch batch;
	int rc = 0, made;

	if (!open_log(c))
		return;
	while ((made = copy_plan(c->copy, c->acked < c->single_until, &batch)) == 1) {
		if ((rc = send_batch(c, &batch)) != 0)
			break;
		(void)frame_flush(c->stage.out);
		if (has_order())
			break;
	}
	c->used_ms = process_now_ms();
	if (rc != 0 || made < 0) {
		failed(c, rc != 0 ? rc : -ENODATA);
	} else if (made == 0) {
		c->woken = false;
		say(c, true);
	}
}

/* ---- orders */

/* The settings are these now: begin anew, perhaps elsewhere. */
static void settings_changed(struct copier *c)
{
	int rc = c->driver->aim(c->link, c->stage.settings.sql_server);
	const char *why = c->driver->why(c->link);

	if (rc == -ENOMEM)
		fatalx("no memory");
	c->driver->close(c->link);
	if (c->copy)
		copy_from(c->copy, c->acked);
	c->refused = rc != 0;
	c->retry_ms = c->wait_ms = 0;
	c->woken = true;
	if (why[0])
		(void)stage_error(&c->stage, "%s: %s%s", c->driver->server,
				  rc ? "no copy is made: \"DB sql server\": " : "", why);
	if (!c->refused)
		return;
	snprintf(c->error, sizeof(c->error), "%s", why);
	c->said.error_ns = stage_now();
	say(c, true);
}

static void take_frame(struct copier *c, const struct wire_hdr *hdr, const void *payload)
{
	const struct wire_committed *committed = payload;
	char *before;

	if (hdr->type == WIRE_COMMITTED) {
		c->woken |= committed->news > 0;
	} else if (hdr->type == WIRE_SETTINGS) {
		before = strdup(c->stage.settings.sql_server);
		if (stage_settings(&c->stage, payload) == 0 &&
		    (!before || strcmp(before, c->stage.settings.sql_server) != 0))
			settings_changed(c);
		free(before);
	}
}

/* False at end of file, which is the order to end. */
static bool take_frames(struct copier *c)
{
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	int rc;

	for (;;) {
		while ((rc = frame_next(c->stage.in, &hdr, &payload, &why)) == 1)
			take_frame(c, hdr, payload);
		if (rc < 0)
			fatalx("broken peer: %s", why);
		rc = frame_fill(c->stage.in);
		if (rc != 1)
			return rc == -EAGAIN;
	}
}

/* Milliseconds until there may be something to do, -1 = when we are told. */
static int wait_ms(const struct copier *c)
{
	int64_t now = process_now_ms(), at = -1;

	if (c->woken && !c->refused)
		at = c->retry_ms;
	else if (c->driver->is_open(c->link))
		at = c->used_ms + IDLE_MS;
	if (at < 0)
		return -1;
	return at <= now ? 0 : (int)(at - now);
}

static void loop(struct copier *c)
{
	struct pollfd in = {.fd = 0, .events = POLLIN};
	int wait;

	while (take_frames(c)) {
		wait = wait_ms(c);
		if (wait == 0 && c->woken && !c->refused) {
			work(c);
		} else if (wait == 0) {
			c->driver->close(c->link);
			malloc_trim(0);
		}
		(void)frame_flush(c->stage.out);
		if (wait != 0 && poll(&in, 1, wait) < 0 && errno != EINTR)
			fatal("poll");
	}
}

int copier_run(const struct driver *driver, int argc, char **argv)
{
	static struct copier c;

	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 65536);
	stage_start(&c.stage, driver->stage, OUT_BOUND, argc, argv);
	sandbox_drop(c.stage.uid, c.stage.gid, 0);
	c.driver = driver;
	c.said.stage = driver->stage;
	if (!(c.link = driver->make()))
		fatalx("no memory");
	settings_changed(&c);
	loop(&c);
	driver->free(c.link);
	copy_close(c.copy);
	frame_reader_free(c.stage.in);
	frame_writer_free(c.stage.out);
	settings_free(&c.stage.settings);
	return 0;
}
