// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * feed.c - see feed.h. SQLite makes the JSON.
 */
#include "store/notices/feed.h"

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/schema.h"

#define BUSY_MS 2000
#define AT_ONCE 1000 /* rows of one statement */

struct feed {
	sqlite3 *db;
};

/* ?1 the last id he saw, ?2 his uid, ?3 is he an administrator, ?5 the last id that is asked for. What is
 * muted for everybody has quiet <> 0. */
#define FOR_HIM                                                                                              \
	" WHERE e.id > ?1 AND e.id <= ?5 AND e.quiet = 0 AND (?3 OR e.uid = ?2)"                             \
	" AND NOT EXISTS (SELECT 1 FROM acknowledged a WHERE a.exe = e.exe AND a.uid = ?2 AND a.muted = 1"   \
	" AND coalesce(a.until > CAST(strftime('%s', 'now') AS INTEGER), 1))"

/* clang-format off */
/* Who brought the contents of which the event tells: c, the change (of one event with all that the package
 * manager brought then), or k, what was said of the file. */
#define WITH_PACKAGE \
	" LEFT JOIN program p ON p.id = e.program" \
	" LEFT JOIN packaged k ON k.exe = e.exe AND k.sha256 = p.sha256" \
	" LEFT JOIN change c ON e.kind = 1 AND c.id =" \
	" (SELECT max(m.id) FROM change m WHERE m.exe = e.exe AND m.sha256 = p.sha256)"
#define OF_RUN(what) "(SELECT " what " FROM change m WHERE m.event = c.event AND m.kind = 2)"
#define NOW "CAST(strftime('%s', 'now') AS INTEGER)"

static const char count_sql[] = "SELECT count(*), count(DISTINCT e.exe), max(e.id) FROM event e" FOR_HIM;
/* An object without its last brace, the id, and: may it still become known who brought it? */
static const char rows_sql[] =
	"SELECT rtrim(json_object('id', e.id, 'time', e.time, 'kind', " SCHEMA_KIND("e.kind") ","
	" 'exe', e.exe, 'name', e.name, 'user', (SELECT name FROM account WHERE uid = e.uid), 'text', e.text,"
	" 'package', coalesce(c.package, k.package), 'version', coalesce(c.version, k.version),"
	" 'manager', coalesce(c.manager, k.manager),"
	" 'explained', " SCHEMA_EXPLAINED("coalesce(c.explained, k.explained)") ","
	" 'run', CASE c.explained WHEN 1 THEN c.event END, 'members', " OF_RUN("count(*)") ","
	" 'packages', " OF_RUN("count(DISTINCT m.package)") "), '}'), e.id,"
	" e.kind = 1 AND c.id IS NULL AND k.exe IS NULL AND e.time > " NOW " - ?4"
	" FROM event e" WITH_PACKAGE FOR_HIM " ORDER BY e.id LIMIT ?6";
static const char summary_sql[] =
	"SELECT rtrim(json_object('id', max(id), 'summary', ?4, 'kind', 'new', 'time', max(time),"
	" 'names', json_group_array(name)), '}')"
	" FROM (SELECT max(e.id) AS id, max(e.time) AS time, coalesce(e.name, " SCHEMA_KIND("e.kind") ") AS name"
	" FROM event e" FOR_HIM " GROUP BY 3 ORDER BY 1 DESC LIMIT 5)";
/* clang-format on */

struct feed *feed_open(const char *state_dir)
{
	struct feed *f = calloc(1, sizeof(*f));
	char path[PATH_MAX];

	if (!f || snprintf(path, sizeof(path), "%s/" SCHEMA_FILE, state_dir) >= (int)sizeof(path) ||
	    sqlite3_open_v2(path, &f->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		feed_close(f);
		return NULL;
	}
	sqlite3_busy_timeout(f->db, BUSY_MS);
	return f;
}

void feed_close(struct feed *f)
{
	if (!f)
		return;
	sqlite3_close(f->db);
	free(f);
}

int64_t feed_last(struct feed *f)
{
	sqlite3_stmt *stmt = NULL;
	int64_t last = 0;

	if (sqlite3_prepare_v2(f->db, "SELECT max(id) FROM event", -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		last = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return last;
}

/* What is behind after, up to upto. */
static sqlite3_stmt *prepare(struct feed *f, const char *sql, const struct feed_reader *r, int64_t after,
			     int64_t upto, int64_t fourth)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(f->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return NULL;
	sqlite3_bind_int64(stmt, 1, after);
	sqlite3_bind_int64(stmt, 2, r->uid);
	sqlite3_bind_int(stmt, 3, r->all);
	sqlite3_bind_int64(stmt, 4, fourth); /* this and more is not in every statement */
	sqlite3_bind_int64(stmt, 5, upto);
	sqlite3_bind_int(stmt, 6, AT_ONCE);
	return stmt;
}

/* What he saw for good, if this one is his: nothing that is still held lies before it. */
static int64_t seen(const struct feed_reader *r, int64_t id)
{
	if (r->last > id)
		id = r->last;
	return r->n_held > 0 && r->held[0] <= id ? r->held[0] - 1 : id;
}

static bool put(sqlite3_stmt *stmt, int64_t seen_id, feed_line *line, void *arg)
{
	const char *json = (const char *)sqlite3_column_text(stmt, 0);
	char *text = NULL;
	bool more;
	int len = json ? asprintf(&text, "%s,\"seen\":%lld}\n", json, (long long)seen_id) : -1;

	if (len < 0)
		return false;
	more = line(arg, text, (size_t)len);
	free(text);
	return more;
}

static int tell_new(struct feed *f, struct feed_reader *r, feed_line *line, void *arg)
{
	sqlite3_stmt *stmt = prepare(f, rows_sql, r, r->last, INT64_MAX, FEED_HOLD_S);
	int rc = stmt ? SQLITE_ROW : SQLITE_ERROR;

	while (rc == SQLITE_ROW && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		int64_t id = sqlite3_column_int64(stmt, 1);

		if (sqlite3_column_int(stmt, 2) && r->n_held < FEED_HELD)
			r->held[r->n_held++] = id;
		else if (!put(stmt, seen(r, id), line, arg)) {
			rc = SQLITE_DONE; /* he takes no more: the rest waits for him */
			break;
		}
		r->last = id;
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? 0 : -EIO;
}

static void forget_held(struct feed_reader *r, size_t at)
{
	r->n_held--;
	memmove(r->held + at, r->held + at + 1, (r->n_held - at) * sizeof(r->held[0]));
}

/* Those that need not wait any longer: told, or muted meanwhile. */
static int tell_held(struct feed *f, struct feed_reader *r, feed_line *line, void *arg)
{
	struct feed_reader before;
	sqlite3_stmt *stmt;
	int rc;
	size_t i = 0;

	while (i < r->n_held) {
		int64_t id = r->held[i];

		if (!(stmt = prepare(f, rows_sql, r, id - 1, id, FEED_HOLD_S)))
			return -EIO;
		rc = sqlite3_step(stmt);
		if (rc == SQLITE_DONE) {
			forget_held(r, i);
		} else if (rc == SQLITE_ROW && sqlite3_column_int(stmt, 2)) {
			i++;
		} else if (rc == SQLITE_ROW) {
			before = *r;
			forget_held(r, i);
			if (!put(stmt, seen(r, id), line, arg)) {
				*r = before; /* he takes no more: it waits for him */
				rc = SQLITE_FULL;
			}
		}
		sqlite3_finalize(stmt);
		if (rc != SQLITE_ROW && rc != SQLITE_DONE)
			return rc == SQLITE_FULL ? 0 : -EIO;
	}
	return 0;
}

static int tell_summary(struct feed *f, struct feed_reader *r, int64_t programs, int64_t last,
			feed_line *line, void *arg)
{
	sqlite3_stmt *stmt = prepare(f, summary_sql, r, r->last, INT64_MAX, programs);
	int rc = stmt ? sqlite3_step(stmt) : SQLITE_ERROR;

	if (rc == SQLITE_ROW && put(stmt, seen(r, last), line, arg))
		r->last = last;
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? 0 : -EIO;
}

int feed_tell(struct feed *f, struct feed_reader *r, bool waited, feed_line *line, void *arg)
{
	sqlite3_stmt *stmt;
	int64_t events = 0, programs = 0, last = 0;
	int rc;

	if (!waited) {
		rc = tell_held(f, r, line, arg);
		return rc != 0 ? rc : tell_new(f, r, line, arg);
	}
	if (!(stmt = prepare(f, count_sql, r, r->last, INT64_MAX, 0)))
		return -EIO;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		events = sqlite3_column_int64(stmt, 0);
		programs = sqlite3_column_int64(stmt, 1);
		last = sqlite3_column_int64(stmt, 2);
	}
	sqlite3_finalize(stmt);
	if (rc != SQLITE_ROW)
		return -EIO;
	if (events > FEED_ONE_BY_ONE)
		return tell_summary(f, r, programs ? programs : events, last, line, arg);
	return tell_new(f, r, line, arg);
}
