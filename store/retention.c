// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * retention.c - see retention.h. "Too old" moves on by the hour, so that an idle machine is not written to
 * every few seconds.
 */
#include "store/retention.h"

#include "bpf/wire.h"
#include "store/chain.h"

#define HOUR_S 3600
#define DAY_S 86400
#define INTERNED_SLICE 5000
#define INTERNED_REST_S (2 * HOUR_S) /* rows used this recently may be about to be referred to */

/* A number's digits, for SQL. */
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

struct slice {
	int64_t from_s, to_s; /* contime of the rows removed */
	int64_t rows, bytes;
	int64_t first_id, last_id;
};

/* The first flow that the copy does not have. */
static int64_t first_unsent(const struct retention *r, struct sqlite *s)
{
	static const char sql[] = "SELECT first FROM chain WHERE seq > ?1 AND flows > 0 ORDER BY seq LIMIT 1";
	sqlite3_stmt *stmt;
	int64_t id = INT64_MAX;

	if (r->copied == INT64_MAX)
		return id;
	stmt = sqlite_statement(s, sql);
	sqlite3_bind_int64(stmt, 1, r->copied);
	if (sqlite_step(s, stmt) == 1) {
		id = sqlite3_column_int64(stmt, 0);
		sqlite3_reset(stmt);
	}
	return id;
}

/* Rows of before this time are too old. What is not copied yet stays: all of the time of its oldest row. */
static int64_t too_old(const struct retention *r, struct sqlite *s, const struct settings *settings,
		       int64_t now_s)
{
	static const char sql[] = "SELECT min(bucket) FROM flow_range WHERE last_id >= ?1";
	int64_t cutoff = now_s - (int64_t)settings->retention_days * DAY_S, unsent = first_unsent(r, s),
		oldest = cutoff;
	sqlite3_stmt *stmt;

	cutoff -= cutoff % HOUR_S;
	if (unsent == INT64_MAX)
		return cutoff;
	stmt = sqlite_statement(s, sql);
	sqlite3_bind_int64(stmt, 1, unsent);
	if (sqlite_step(s, stmt) != 1)
		return cutoff;
	if (sqlite3_column_type(stmt, 0) != SQLITE_NULL)
		oldest = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	oldest -= oldest % HOUR_S;
	return oldest < cutoff ? oldest : cutoff;
}

/* Flows that are kept for the copy alone, and are there. */
static bool has_copied(const struct retention *r, struct sqlite *s, const struct settings *settings)
{
	int64_t oldest;

	if (settings->sql_log || r->copied == INT64_MAX)
		return false;
	oldest = sqlite_number(s, "SELECT min(id) FROM flow", 0);
	return oldest > 0 && oldest < first_unsent(r, s);
}

static int remove_copied(const struct retention *r, struct sqlite *s)
{
	int64_t last = first_unsent(r, s) - 1,
		some = sqlite_number(s, "SELECT min(id) FROM flow", 0) + RETENTION_SLICE;
	int rc;

	if (last > some)
		last = some;
	if ((rc = sqlite_run2(s, "DELETE FROM flow WHERE id <= ?1 AND ?2", last, 1)) != 0 ||
	    (rc = sqlite_run2(s, "DELETE FROM flow_range WHERE last_id <= ?1 AND ?2", last, 1)) != 0)
		return rc;
	return chain_removed(s, 0, last, INT64_MAX);
}

static int64_t oldest_bucket(struct sqlite *s)
{
	return sqlite_number(s, "SELECT min(bucket) FROM flow_range", 0);
}

/* Rows of before this time are about RETENTION_SLICE, or those of the oldest 5 minutes. */
static int64_t oldest_few(struct sqlite *s)
{
	static const char sql[] = "SELECT CASE WHEN bucket > (SELECT min(bucket) FROM flow_range) THEN "
				  "bucket ELSE bucket + 300 END"
				  " FROM (SELECT bucket, sum(last_id - first_id + 1) OVER (ORDER BY bucket) "
				  "AS rows FROM flow_range)"
				  " WHERE rows >= " TEXT(RETENTION_SLICE) " ORDER BY bucket LIMIT 1";

	return sqlite_number(s, sql, INT64_MAX / 2);
}

static int look_at_flows(struct sqlite *s, int64_t before_s, struct slice *slice)
{
	static const char look[] =
		"SELECT min(contime), max(contime), count(*), total(send + recv), min(id), max(id) FROM"
		" (SELECT id, contime, send, recv FROM flow WHERE contime < ?1 AND id <="
		" (SELECT max(last_id) FROM flow_range WHERE bucket < ?1) ORDER BY id LIMIT ?2)";
	sqlite3_stmt *stmt = sqlite_statement(s, look);
	int rc;

	sqlite3_bind_int64(stmt, 1, before_s);
	sqlite3_bind_int64(stmt, 2, RETENTION_SLICE);
	if ((rc = sqlite_step(s, stmt)) != 1)
		return rc;
	slice->from_s = sqlite3_column_int64(stmt, 0);
	slice->to_s = sqlite3_column_int64(stmt, 1);
	slice->rows = sqlite3_column_int64(stmt, 2);
	slice->bytes = (int64_t)sqlite3_column_double(stmt, 3);
	slice->first_id = sqlite3_column_int64(stmt, 4);
	slice->last_id = sqlite3_column_int64(stmt, 5);
	sqlite3_reset(stmt);
	return 0;
}

/* Rows of before before_s, RETENTION_SLICE at most. Most often they are the first ones; not where the clock
 * was set back, or an older log was imported into this one. */
static int remove_flows(const struct retention *r, struct sqlite *s, int64_t before_s, struct slice *slice)
{
	int rc = look_at_flows(s, before_s, slice);

	if (rc != 0 || slice->rows == 0)
		return rc;
	rc = sqlite_run2(s, "DELETE FROM flow WHERE id <= ?1 AND contime < ?2", slice->last_id, before_s);
	return rc != 0 ? rc : chain_removed(s, slice->first_id, slice->last_id, r->copied);
}

/* Rows of this time are gone: so are their sums. */
static int remove_sums(struct sqlite *s, int64_t horizon_s)
{
	static const struct {
		const char *sql;
		int64_t width_s;
	} tables[] = {
		{"DELETE FROM flow_range WHERE bucket < ?1 AND ?2", 300},
		{"DELETE FROM sum_5min WHERE bucket < ?1 AND ?2", 300},
		{"DELETE FROM total_5min WHERE bucket < ?1 AND ?2", 300},
		{"DELETE FROM sum_hour WHERE bucket < ?1 AND ?2", HOUR_S},
		{"DELETE FROM total_hour WHERE bucket < ?1 AND ?2", HOUR_S},
		{"DELETE FROM sum_day WHERE program IN (SELECT id FROM program UNION SELECT 0) AND bucket < "
		 "?1"
		 " AND ?2",
		 DAY_S},
		{"DELETE FROM total_day WHERE bucket < ?1 AND ?2", DAY_S},
		{"DELETE FROM event WHERE time < ?1 AND ?2", 1},
	};
	size_t i;
	int rc = 0;

	/* A sum is removed once all of its time is. */
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]) && rc == 0; i++)
		rc = sqlite_run2(s, tables[i].sql, horizon_s - tables[i].width_s + 1, 1);
	return rc;
}

static int remove_losses(struct sqlite *s, int64_t before_s)
{
	return sqlite_run2(s, "DELETE FROM loss WHERE time_to < ?1 OR id <= (SELECT max(id) FROM loss) - ?2",
			   before_s, RETENTION_LOSSES_MAX);
}

/* What is interned, with what is asked of it; last_hour says when it was last referred to. */
static const struct {
	const char *first, *last, *remove;
} interned[] = {
#define INTERNED(table)                                                                                      \
	{                                                                                                    \
		"SELECT min(id) FROM " table, "SELECT max(id) FROM " table,                                  \
			"DELETE FROM " table                                                                 \
			" WHERE id > ?2 AND id <= ?2 + " TEXT(INTERNED_SLICE) " AND last_hour < ?1"          \
	}
	INTERNED("image"), INTERNED("place"), INTERNED("address"), INTERNED("domain"), INTERNED("origin"),
};

/* What is said of programs, once they are forgotten, and changes as old as the rows removed. */
static int remove_changes(struct sqlite *s, int64_t before_s)
{
	int rc = sqlite_run2(s, "DELETE FROM change WHERE time < ?1 AND ?2", before_s, 1);

	if (rc == 0)
		rc = sqlite_run2(s,
				 "DELETE FROM location WHERE since < ?1 AND ?2 AND NOT EXISTS"
				 " (SELECT 1 FROM program p WHERE p.exe = location.exe)",
				 before_s, 1);
	if (rc == 0)
		rc = sqlite_run2(
			s,
			"DELETE FROM packaged WHERE ?1 AND ?2 AND NOT EXISTS (SELECT 1 FROM program p"
			" WHERE p.exe = packaged.exe AND p.sha256 = packaged.sha256)",
			1, 1);
	return rc;
}

/* What libraries an image had goes with it, and the sets and files that no other had. */
static int remove_libraries(struct sqlite *s)
{
	static const char *const removes[] = {
		"DELETE FROM image_libraries WHERE image NOT IN (SELECT id FROM image) AND ?1 AND ?2",
		"DELETE FROM library_set WHERE id NOT IN (SELECT library_set FROM image_libraries) AND ?1 "
		"AND ?2",
		"DELETE FROM library_member WHERE library_set NOT IN (SELECT id FROM library_set) AND ?1 AND "
		"?2",
		"DELETE FROM library WHERE id NOT IN (SELECT library FROM library_member) AND ?1 AND ?2",
	};
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof(removes) / sizeof(removes[0]) && rc == 0; i++)
		rc = sqlite_run2(s, removes[i], 1, 1);
	return rc;
}

static int remove_programs(struct sqlite *s, int64_t before_s)
{
	int rc = remove_changes(s, before_s);

	if (rc != 0)
		return rc;
	return sqlite_run2(s,
			   "DELETE FROM program WHERE id IN (SELECT p.id FROM program p WHERE NOT EXISTS"
			   " (SELECT 1 FROM image WHERE program = p.id) AND NOT EXISTS"
			   " (SELECT 1 FROM image WHERE script = p.id AND script > 0)"
			   " AND p.last_seen < ?2 ORDER BY p.last_seen"
			   " LIMIT max(0, (SELECT count(*) FROM program) - ?1))",
			   RETENTION_PROGRAMS_MAX, before_s);
}

/* A slice of the images, then of the addresses and domains; 1 until all were looked at. Ancestors are never
 * used less recently than their children, so no reference is left behind. */
static int remove_unused(struct retention *r, struct sqlite *s, int64_t now_s)
{
	int64_t before = r->horizon_s - r->horizon_s % HOUR_S;
	int rc;

	if (before > now_s - INTERNED_REST_S)
		before = now_s - INTERNED_REST_S;
	for (; r->table < sizeof(interned) / sizeof(interned[0]); r->table++, r->cursor = 0) {
		if (r->cursor == 0)
			r->cursor = sqlite_number(s, interned[r->table].first, 1) - 1;
		if (r->cursor >= sqlite_number(s, interned[r->table].last, 0))
			continue;
		rc = sqlite_run2(s, interned[r->table].remove, before, r->cursor);
		r->cursor += INTERNED_SLICE;
		return rc < 0 ? rc : 1;
	}
	r->sweeping = false;
	r->cursor = 0;
	r->table = 0;
	rc = remove_libraries(s);
	return rc < 0 ? rc : remove_programs(s, before);
}

static bool too_big(struct sqlite *s, const struct settings *settings)
{
	return sqlite_size_bytes(s) > (int64_t)settings->size_limit_mb << 20;
}

static void say_too_big(const struct slice *slice, struct losses *losses)
{
	static const char detail[] = "removed before their age: DB size limit (MB)";
	struct wire_loss loss = {
		.from_ns = (wire_ns)slice->from_s * 1000000000u,
		.to_ns = (wire_ns)slice->to_s * 1000000000u,
		.records = (__u64)slice->rows,
		.bytes = (__u64)slice->bytes,
		.kind = WIRE_LOSS_RETENTION,
		.stage = WIRE_STAGE_STORE,
	};

	losses_add(losses, &loss, detail, sizeof(detail) - 1);
}

static void say_not_copied(const struct slice *slice, int64_t unsent, struct losses *losses)
{
	static const char detail[] = "removed before they were copied to the SQL server: DB size limit (MB)";
	struct wire_loss loss = {
		.from_ns = (wire_ns)slice->from_s * 1000000000u,
		.to_ns = (wire_ns)slice->to_s * 1000000000u,
		.kind = WIRE_LOSS_RETENTION,
		.stage = WIRE_STAGE_STORE,
	};

	if (slice->last_id < unsent)
		return;
	loss.records = (__u64)(slice->last_id - unsent + 1);
	if (loss.records > (__u64)slice->rows)
		loss.records = (__u64)slice->rows;
	losses_add(losses, &loss, detail, sizeof(detail) - 1);
}

/* When none of that time is left, its sums go, and what was seen last then. */
static int remove_slice(struct retention *r, struct sqlite *s, int64_t before_s, struct slice *slice)
{
	int rc;

	if ((rc = remove_flows(r, s, before_s, slice)) != 0)
		return rc;
	if (slice->rows < RETENTION_SLICE && before_s > r->horizon_s) {
		r->horizon_s = before_s;
		r->sweeping = true;
		rc = remove_sums(s, before_s);
	}
	return rc;
}

/* Rows and what only they referred to take turns, or long command lines would push out all rows. */
static int shrink(struct retention *r, struct sqlite *s, struct losses *losses, int64_t now_s)
{
	int64_t unsent = first_unsent(r, s);
	struct slice slice = {0};
	int rc;

	r->rows_next = !r->rows_next;
	if (r->sweeping && !r->rows_next) {
		rc = remove_unused(r, s, now_s);
		return rc < 0 ? rc : 1;
	}
	rc = remove_slice(r, s, oldest_few(s), &slice);
	if (rc == 0 && slice.rows > 0)
		say_too_big(&slice, losses);
	if (rc == 0 && slice.rows > 0)
		say_not_copied(&slice, unsent, losses);
	return rc < 0 ? rc : slice.rows > 0 || r->sweeping;
}

static int64_t oldest_loss(struct sqlite *s)
{
	return sqlite_number(s, "SELECT min(time_to) FROM loss", INT64_MAX);
}

static int step(struct retention *r, struct sqlite *s, const struct settings *settings, struct losses *losses,
		int64_t now_s)
{
	int64_t cutoff = too_old(r, s, settings, now_s), oldest = oldest_bucket(s);
	struct slice slice;
	int rc;

	if (has_copied(r, s, settings)) {
		rc = remove_copied(r, s);
		return rc < 0 ? rc : 1;
	}
	if (oldest_loss(s) < cutoff) {
		rc = remove_losses(s, cutoff);
		return rc < 0 ? rc : 1;
	}
	if (oldest && oldest < cutoff) {
		rc = remove_slice(r, s, cutoff, &slice);
		return rc < 0 ? rc : 1;
	}
	if (oldest && too_big(s, settings))
		return shrink(r, s, losses, now_s);
	return r->sweeping ? remove_unused(r, s, now_s) : 0;
}

/* Anything to do? Asked outside a transaction, so that an idle machine writes nothing. */
static bool is_due(const struct retention *r, struct sqlite *s, const struct settings *settings,
		   int64_t now_s)
{
	int64_t oldest = oldest_bucket(s), cutoff = too_old(r, s, settings, now_s);

	return has_copied(r, s, settings) || r->sweeping || oldest_loss(s) < cutoff ||
	       (oldest && (oldest < cutoff || too_big(s, settings)));
}

/* Free pages are used again by the next rows; only what is far too much goes back to the filesystem. */
static int give_back(struct sqlite *s)
{
	if (sqlite_number(s, "PRAGMA freelist_count", 0) * 8 < sqlite_number(s, "PRAGMA page_count", 0))
		return 0;
	return sqlite_exec(s, "PRAGMA incremental_vacuum(1000)");
}

int retention_run(struct retention *r, struct sqlite *s, const struct settings *settings,
		  struct losses *losses, int64_t now_s)
{
	int more, rc;

	if (!is_due(r, s, settings, now_s))
		return 0;
	if ((rc = sqlite_begin(s)) != 0)
		return rc;
	more = step(r, s, settings, losses, now_s);
	if (more >= 0)
		rc = give_back(s);
	if (more < 0 || rc != 0) {
		sqlite_rollback(s);
		return more < 0 ? more : rc;
	}
	rc = sqlite_commit(s);
	return rc != 0 ? rc : more;
}
