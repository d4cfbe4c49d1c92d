// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * keep.c - see keep.h. The life of the database (open, trouble, replace) is in keep_db.c.
 */
#include "store/keep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/log.h"
#include "config/wire_check.h"
#include "store/ack.h"
#include "store/keep_db.h"
#include "store/known.h"
#include "store/schema.h"

#define NS UINT64_C(1000000000)
#define CHECKPOINT_FRAMES 1000 /* 4 MB: worth the flushes */
#define CHECKPOINT_NOW 16384   /* 64 MB: even while busy */
#define RETENTION_EVERY_MS 60000
#define IDLE_MS 200
#define CLOSE_TRIES 3

int64_t keep_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void committed(struct keep *k, int64_t took_us)
{
	struct wire_committed done = {
		.to_ns = k->window_to,
		.flush_id = k->flush_id,
		.rows = k->rows,
		.commit_us = (__u64)took_us,
		.news = k->news,
	};

	if (k->window_to == 0)
		return;
	heartbeat_beat(&k->heartbeat, k->window_to, 0);
	k->window_to = 0;
	k->flush_id = 0;
	k->rows = k->news = 0;
	(void)frame_put(k->stage->out, WIRE_COMMITTED, &done, sizeof(done), NULL, 0);
}

/* Is what waits a reason to write? Our own traffic, and bytes that are only counted, are not yet. */
static bool is_worth_it(const struct keep *k)
{
	int64_t age_ms = keep_now_ms() - k->written_ms;

	if (batch_foreign(k->in.batch) > 0 || losses_count(k->in.losses) > 0 || k->flush_id ||
	    tell_waits(k->tell) || interfaces_due(k->interfaces) || libraries_wait(k->libraries))
		return true;
	if (batch_count(k->in.batch) > 0)
		return age_ms > KEEP_OWN_S * 1000;
	return programs_have_news(k->in.programs) && age_ms > KEEP_NEWS_S * 1000;
}

/* Everything in memory goes to the database. 0, or -errno: it stays in memory. */
static int commit(struct keep *k)
{
	const struct settings *settings = &k->stage->settings;
	const struct writer_mark mark = {
		.window_to = k->window_to,
		.journal = k->facts.journal,
		.facts = k->facts.next,
		.copied = &k->copied,
	};
	uint64_t foreign;
	struct timespec from, to;
	int64_t rows;

	if (!k->db.db && keep_db_reopen(k) != 0)
		return k->trouble;
	intake_name(&k->in);
	foreign = batch_foreign(k->in.batch);
	clock_gettime(CLOCK_MONOTONIC, &from);
	rows = writer_commit(k->writer, settings, k->in.batch, k->in.losses, &mark);
	clock_gettime(CLOCK_MONOTONIC, &to);
	if (rows < 0)
		return keep_db_trouble(k, (int)rows);
	keep_db_well(k);
	k->written_ms = keep_now_ms();
	if (settings->text_log)
		textlog_rows(&k->conn_log, k->in.batch, settings->log_commands);
	(void)coverage_write(&k->coverage, &k->db); /* what could not be said at the start */
	(void)libraries_write(k->libraries, &k->db);
	batch_clear(k->in.batch);
	losses_clear(k->in.losses);
	programs_sweep(k->in.programs);
	k->rows += (uint64_t)rows;
	k->news += (rows ? foreign : 0) + writer_late(k->writer);
	committed(k, (to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000);
	if (k->db.wal_frames > CHECKPOINT_NOW)
		sqlite_checkpoint(&k->db);
	return 0;
}

/* A file that was damaged or replaced is followed by another one, which takes what waits at once. */
static int write_all(struct keep *k)
{
	int rc = commit(k);

	if (rc == -EUCLEAN || rc == -ESTALE)
		rc = commit(k);
	return rc;
}

void keep_flow(struct keep *k, const struct wire_flow *flow)
{
	interfaces_flow(k->interfaces, flow);
	intake_flow(&k->in, flow, stage_now());
	if (batch_count(k->in.batch) >= BATCH_EARLY && keep_now_ms() >= k->retry_ms) {
		if (!k->stage->settings.sql_log && !k->stage->settings.text_log &&
		    !settings_copied(&k->stage->settings))
			batch_clear(k->in.batch);
		else
			write_all(k);
	}
}

/* What passed the interfaces until now is known now: all flows of the window are here. */
static bool look_at_interfaces(struct keep *k, bool asked)
{
	return interfaces_look(k->interfaces, (int64_t)(stage_now() / NS), keep_now_ms(), asked);
}

static void say_interfaces(struct keep *k)
{
	struct wire_interfaces day;

	interfaces_day(k->interfaces, &k->db, (int64_t)(stage_now() / NS), &day);
	(void)frame_put(k->stage->out, WIRE_INTERFACES, &day, sizeof(day), NULL, 0);
}

/* What we work with, a line each. */
static void describe(struct keep *k, char *text, size_t size)
{
	size_t n;

	keep_db_works(k, text, size);
	n = strlen(text);
	snprintf(text + n, size - n, "\n");
	geoip_describe(k->geoip, text + n + 1, size - n - 1);
}

/* Other databases of countries and networks: said again, once it was said. */
static void look_at_geoip(struct keep *k)
{
	char text[768];

	if (!geoip_refresh(k->geoip, &k->stage->settings) || !k->ready)
		return;
	describe(k, text, sizeof(text));
	coverage_add(&k->coverage, WIRE_STAGE_STORE, text, strlen(text));
	(void)stage_ready(k->stage, text);
}

void keep_window(struct keep *k, const struct wire_window *window)
{
	bool looked = look_at_interfaces(k, window->flush_id != 0);

	look_at_geoip(k);
	keep_watching(k);
	intake_window(&k->in, stage_now());
	k->window_to = window->to_ns ? window->to_ns : stage_now();
	k->flush_id = window->flush_id ? window->flush_id : k->flush_id;
	if (k->stage->settings.n_ignore > 0)
		intake_name(&k->in); /* what is left out by its name is no reason to write */
	if (is_worth_it(k)) {
		if (keep_now_ms() >= k->retry_ms || window->flush_id)
			write_all(k);
	} else {
		committed(k, 0);
	}
	if (looked)
		say_interfaces(k);
}

void keep_loss(struct keep *k, const struct wire_loss *loss)
{
	const char *detail = (const char *)(loss + 1);
	char line[WIRE_TEXT_MAX];
	const char *kind = wire_loss_name(loss->kind);
	int n;

	/* A connection without a name has all its bytes, on the right program: that is in the view, and
	 * nobody is called. Programs that use io_uring make some in every window. */
	if (!losses_add(k->in.losses, loss, detail, loss->detail_len) || loss->kind == WIRE_LOSS_NAME)
		return;
	n = snprintf(line, sizeof(line), "loss: %s, %llu records, %llu bytes: %.*s", kind ? kind : "?",
		     (unsigned long long)loss->records, (unsigned long long)loss->bytes,
		     (int)loss->detail_len, detail);
	n = n < (int)sizeof(line) ? n : (int)sizeof(line) - 1;
	textlog_message(&k->error_log, loss->to_ns, wire_stage_name(loss->stage), line, (size_t)n);
	if (loss->kind == WIRE_LOSS_NOT_WATCHING || loss->kind == WIRE_LOSS_SUSPENDED ||
	    loss->kind == WIRE_LOSS_CLOCK)
		return; /* whoever sits there knows */
	n = snprintf(line, sizeof(line), "%s: %.*s", kind ? kind : "?", (int)loss->detail_len, detail);
	tell_message(k->tell, SCHEMA_KIND_LOSS, (int64_t)(stage_now() / NS), line,
		     (size_t)(n < (int)sizeof(line) ? n : (int)sizeof(line) - 1));
}

void keep_error(struct keep *k, const struct wire_error *error)
{
	textlog_message(&k->error_log, error->time_ns, wire_stage_name(error->stage),
			(const char *)(error + 1), error->text_len);
	tell_message(k->tell, SCHEMA_KIND_ERROR, (int64_t)(stage_now() / NS), (const char *)(error + 1),
		     error->text_len);
}

void keep_order(struct keep *k, const struct wire_order *order)
{
	struct wire_done done = {.id = order->id, .error = EAGAIN};
	int rc = 0;

	if (k->db.db && (rc = ack_order(&k->db, order, (int64_t)(stage_now() / NS), &done)) != 0 &&
	    rc != -EINVAL)
		keep_db_trouble(k, rc);
	(void)frame_put(k->stage->out, WIRE_DONE, &done, sizeof(done), NULL, 0);
}

/* What came under the old settings is written under them. */
void keep_settings(struct keep *k, const struct wire_settings *settings)
{
	bool commands = k->stage->settings.log_commands;

	intake_settle(&k->in, stage_now(), 1);
	write_all(k);
	if (stage_settings(k->stage, settings) != 0)
		log_warnx("the new settings were refused");
	if (commands != k->stage->settings.log_commands)
		writer_forget(k->writer);
	k->retention_ms = 0;
}

static void first_sightings(struct keep *k, int64_t now)
{
	int rc;

	if (now < k->sighting_ms || now < k->retry_ms || !k->db.db ||
	    (programs_fresh(k->in.programs) == 0 && !tell_waits(k->tell)))
		return;
	k->sighting_ms = now + KEEP_SIGHTING_MS;
	if ((rc = writer_first_sightings(k->writer)) != 0)
		keep_db_trouble(k, rc);
}

void keep_verdict(struct keep *k, const struct wire_verdict *verdict)
{
	int rc;

	/* one that cannot be written is asked for again */
	if (k->db.db && keep_now_ms() >= k->retry_ms && (rc = writer_verdict(k->writer, verdict)) != 0)
		keep_db_trouble(k, rc);
}

void keep_sink(struct keep *k, const struct wire_sink *sink)
{
	copied_said(&k->copied, &k->db, sink);
}

static void say_event(struct keep *k)
{
	struct wire_event event = {.last_id = (__u64)writer_event(k->writer)};

	if (event.last_id)
		(void)frame_put(k->stage->out, WIRE_EVENT, &event, sizeof(event), NULL, 0);
}

static void introduce(struct keep *k, int64_t now)
{
	int rc;

	if (k->introduce_ms == 0 || now < k->introduce_ms || now < k->retry_ms || !k->db.db)
		return;
	if ((rc = writer_introduce(k->writer, (int64_t)(stage_now() / NS))) != 0)
		keep_db_trouble(k, rc);
	else
		k->introduce_ms = 0;
}

/* A file for people's scripts, that nothing here depends on. */
static void write_known(struct keep *k, int64_t now, bool last)
{
	int rc;

	k->known_old |= tell_news(k->tell);
	if (!k->known_old || (now < k->known_ms && !last) || !k->db.db)
		return;
	rc = known_write(&k->db, k->stage->state_dir, k->stage->settings.vt_api_key[0] != '\0');
	if (rc != 0)
		log_warnx(KNOWN_FILE ": cannot be written: %s", strerror(-rc));
	k->known_old = false;
	/* one that takes long is written less often */
	k->known_ms = keep_now_ms() + KNOWN_EVERY_S * 1000 + 100 * (keep_now_ms() - now);
}

/* As soon as there is something to compare, like first sightings. */
static void changes(struct keep *k, int64_t now)
{
	int64_t now_s = (int64_t)(stage_now() / NS);
	int rc;

	if (!changes_due(k->in.changes, now_s) || now < k->changes_ms || now < k->retry_ms || !k->db.db)
		return;
	k->changes_ms = now + KEEP_SIGHTING_MS;
	if ((rc = changes_write(k->in.changes, &k->db, now_s)) != 0)
		keep_db_trouble(k, rc);
}

static bool retain(struct keep *k, int64_t now)
{
	int rc;

	if (now < k->retention_ms || now < k->retry_ms || !k->db.db)
		return false;
	k->retention.copied = copied_until(&k->copied, &k->stage->settings);
	rc = retention_run(&k->retention, &k->db, &k->stage->settings, k->in.losses,
			   (int64_t)(stage_now() / NS));
	if (rc < 0)
		keep_db_trouble(k, rc);
	k->retention_ms = rc == 1 ? now : now + RETENTION_EVERY_MS;
	return rc == 1;
}

static int until(int64_t now, int64_t when, int wait)
{
	int64_t left = when > now ? when - now : 0;

	return wait < 0 || left < wait ? (int)left : wait;
}

int keep_timers(struct keep *k, int busy)
{
	int64_t now = keep_now_ms();
	bool more;
	int wait, copied;

	if ((k->trouble || !k->db.db) && now >= k->retry_ms)
		write_all(k);
	first_sightings(k, now);
	introduce(k, now);
	say_event(k);
	write_known(k, now, false);
	changes(k, now);
	more = retain(k, now);
	if (!busy && k->db.wal_frames > CHECKPOINT_FRAMES && now - k->written_ms >= IDLE_MS)
		sqlite_checkpoint(&k->db);
	if (!busy && !more && k->written_ms > k->trimmed_ms && now - k->written_ms >= IDLE_MS) {
		batch_trim(k->in.batch);
		batch_trim(k->in.waiting);
		writer_trim(k->writer);
		geoip_trim(k->geoip);
		sqlite_trim(&k->db);
		k->trimmed_ms = now;
	}
	wait = until(now, k->retention_ms, -1);
	if (k->known_old)
		wait = until(now, k->known_ms, wait);
	if (k->introduce_ms)
		wait = until(now, k->introduce_ms, wait);
	if (programs_fresh(k->in.programs) > 0 || tell_waits(k->tell))
		wait = until(now, k->sighting_ms > k->retry_ms ? k->sighting_ms : k->retry_ms, wait);
	if (changes_wait(k->in.changes))
		wait = until(now, now + KEEP_SIGHTING_MS, wait);
	if (k->trouble)
		wait = until(now, k->retry_ms, wait);
	if (k->written_ms > k->trimmed_ms)
		wait = until(now, k->written_ms + IDLE_MS, wait);
	copied = copied_serve(&k->copied, &k->db);
	return copied >= 0 ? until(now, now + copied, wait) : wait;
}

void keep_open(struct keep *k, struct stage *stage)
{
	const char *dir = stage->state_dir;

	memset(k, 0, sizeof(*k));
	k->stage = stage;
	textlog_open(&k->conn_log, stage->log_dir, "conn.log");
	textlog_open(&k->error_log, stage->log_dir, "error.log");
	if (intake_open(&k->in, &stage->settings) != 0 || !(k->libraries = libraries_new(k->in.images)) ||
	    !(k->interfaces = interfaces_new("/proc/self/net", "/sys/class/net")) ||
	    !(k->tell = tell_new(&stage->settings, stage->log_dir)) || !(k->geoip = geoip_new(dir)) ||
	    !(k->writer = writer_new(&k->db, k->in.programs, k->in.images, k->interfaces, k->tell, k->geoip)))
		fatalx("no memory");
	k->in.lookups = lookups_new(stage->out); /* without memory for it nothing is looked up */
	(void)geoip_refresh(k->geoip, &stage->settings);
	heartbeat_open(&k->heartbeat, dir);
	k->coverage.start_s = (int64_t)(stage_now() / NS);
	k->written_ms = k->trimmed_ms = keep_now_ms();
	keep_db_first(k);
}

void keep_covers(struct keep *k, const struct wire_ready *ready)
{
	coverage_add(&k->coverage, ready->stage, (const char *)(ready + 1), ready->text_len);
}

/* Known by the time that anybody hears we are ready. */
void keep_ready(struct keep *k)
{
	char text[768];
	int rc;

	describe(k, text, sizeof(text));
	k->ready = true;
	coverage_add(&k->coverage, WIRE_STAGE_STORE, text, strlen(text));
	if (k->db.db && (rc = coverage_write(&k->coverage, &k->db)) != 0)
		keep_db_trouble(k, rc);
	if (!tell_introduced(k->tell))
		k->introduce_ms = keep_now_ms() + KEEP_INTRODUCE_MS;
	(void)stage_ready(k->stage, text);
}

/* Nobody stopped watching: the kernel counted while we did not run, and the time without us is no gap. It is
 * one if this snitch.db ends before the journal begins: another one, or an older copy. */
static void nobody_stopped(struct keep *k, wire_ns since)
{
	wire_ns slack = (HEARTBEAT_EVERY_S + 2 * k->stage->settings.write_limit_s) * NS;

	if (k->gap_from && k->gap_from + slack < since)
		intake_loss(&k->in, WIRE_LOSS_NOT_WATCHING, k->gap_from, since, 0, 0,
			    "this snitch.db was not written");
	k->gap_from = 0;
}

void keep_resume(struct keep *k, const struct wire_resume *resume)
{
	uint64_t journal = 0, durable = 0, lost;

	if (k->db.db) {
		journal = (uint64_t)sqlite_number(&k->db, "SELECT value FROM meta WHERE key = 'journal'", 0);
		durable = (uint64_t)sqlite_number(&k->db, "SELECT value FROM meta WHERE key = 'facts'", 0);
	}
	lost = facts_resume(&k->facts, resume, journal, durable);
	if (lost > 0)
		intake_loss(&k->in, WIRE_LOSS_PIPE, resume->since_ns, stage_now(), lost,
			    resume->skipped_bytes, "records on their way when femtosnitch was killed");
	if (resume->since_ns)
		nobody_stopped(k, resume->since_ns);
}

void keep_watching(struct keep *k)
{
	wire_ns now = stage_now();

	if (k->gap_from == 0)
		return;
	if (k->gap_from < now)
		intake_loss(&k->in, WIRE_LOSS_NOT_WATCHING, k->gap_from, now, 0, 0,
			    "femtosnitch did not run");
	else
		intake_loss(&k->in, WIRE_LOSS_CLOCK, now, now, 0, 0,
			    "the clock went back while femtosnitch did not run: how long is not known");
	k->gap_from = 0;
}

void keep_close(struct keep *k)
{
	struct timespec pause = {.tv_nsec = 300000000};
	bool all = true;
	int i, rc = 0;

	intake_settle(&k->in, stage_now(), 1);
	(void)look_at_interfaces(k, true);
	if (batch_count(k->in.batch) > 0 || losses_count(k->in.losses) > 0 ||
	    programs_have_news(k->in.programs) || programs_fresh(k->in.programs) > 0 || tell_waits(k->tell) ||
	    libraries_wait(k->libraries))
		for (i = 0; i < CLOSE_TRIES && (rc = write_all(k)) != 0; i++)
			nanosleep(&pause, NULL);
	if (rc != 0) {
		all = false;
		log_warnx("%zu rows could not be written before the end", batch_count(k->in.batch));
	}
	write_known(k, keep_now_ms(), true);
	if (k->db.db)
		(void)changes_write(k->in.changes, &k->db, INT64_MAX);
	/* Not after a loss: the next start then says that this time is missing. */
	if (all && k->gap_from == 0)
		heartbeat_beat(&k->heartbeat, stage_now(), 1);
	copied_end(&k->copied, &k->db);
	sqlite_checkpoint(&k->db);
	sqlite_close(&k->db);
	heartbeat_close(&k->heartbeat);
	writer_free(k->writer);
	geoip_free(k->geoip);
	tell_free(k->tell);
	interfaces_free(k->interfaces);
	libraries_free(k->libraries);
	coverage_close(&k->coverage);
	lookups_free(k->in.lookups);
	intake_close(&k->in);
}
