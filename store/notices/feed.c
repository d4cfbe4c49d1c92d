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

/* ?1 the last id he saw, ?2 his uid, ?3 is he an administrator. What is muted for everybody has quiet <> 0.
 */
#define FOR_HIM                                                                                              \
	" FROM event e WHERE e.id > ?1 AND e.quiet = 0 AND (?3 OR e.uid = ?2)"                               \
	" AND NOT EXISTS (SELECT 1 FROM acknowledged a WHERE a.exe = e.exe AND a.uid = ?2 AND a.muted = 1"   \
	" AND coalesce(a.until > CAST(strftime('%s', 'now') AS INTEGER), 1))"

static const char count_sql[] = "SELECT count(*), count(DISTINCT e.exe), max(e.id)" FOR_HIM;
static const char rows_sql[] = "SELECT json_object('id', e.id, 'time', e.time, 'kind', " SCHEMA_KIND(
	"e.kind") ", 'exe', e.exe, 'name', e.name,"
		  " 'user', (SELECT name FROM account WHERE uid = e.uid), 'text', e.text), e.id" FOR_HIM
		  " ORDER BY e.id LIMIT ?4";
static const char summary_sql[] =
	"SELECT json_object('id', max(id), 'summary', ?4, 'kind', 'new', 'time', max(time), 'names', "
	"json_group_array(name))"
	" FROM (SELECT max(e.id) AS id, max(e.time) AS time, coalesce(e.name, " SCHEMA_KIND(
		"e.kind") ") AS name" FOR_HIM " GROUP BY 3 ORDER BY 1 DESC LIMIT 5)";

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

static sqlite3_stmt *prepare(struct feed *f, const char *sql, const struct feed_reader *r, int64_t fourth)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(f->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return NULL;
	sqlite3_bind_int64(stmt, 1, r->last);
	sqlite3_bind_int64(stmt, 2, r->uid);
	sqlite3_bind_int(stmt, 3, r->all);
	sqlite3_bind_int64(stmt, 4, fourth); /* not in every statement */
	return stmt;
}

static bool put(sqlite3_stmt *stmt, feed_line *line, void *arg)
{
	const char *json = (const char *)sqlite3_column_text(stmt, 0);
	size_t len = json ? strlen(json) : 0;
	char *copy = json ? malloc(len + 2) : NULL;
	bool more;

	if (!copy)
		return false;
	memcpy(copy, json, len);
	memcpy(copy + len, "\n", 2);
	more = line(arg, copy, len + 1);
	free(copy);
	return more;
}

static int tell_each(struct feed *f, struct feed_reader *r, feed_line *line, void *arg)
{
	sqlite3_stmt *stmt = prepare(f, rows_sql, r, AT_ONCE);
	int rc = stmt ? SQLITE_ROW : SQLITE_ERROR;

	while (rc == SQLITE_ROW && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (!put(stmt, line, arg))
			rc = SQLITE_DONE; /* he takes no more: the rest waits for him */
		else
			r->last = sqlite3_column_int64(stmt, 1);
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? 0 : -EIO;
}

static int tell_summary(struct feed *f, struct feed_reader *r, int64_t programs, int64_t last,
			feed_line *line, void *arg)
{
	sqlite3_stmt *stmt = prepare(f, summary_sql, r, programs);
	int rc = stmt ? sqlite3_step(stmt) : SQLITE_ERROR;

	if (rc == SQLITE_ROW && put(stmt, line, arg))
		r->last = last;
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? 0 : -EIO;
}

int feed_tell(struct feed *f, struct feed_reader *r, bool waited, feed_line *line, void *arg)
{
	sqlite3_stmt *stmt;
	int64_t events = 0, programs = 0, last = 0;
	int rc;

	if (!waited)
		return tell_each(f, r, line, arg);
	if (!(stmt = prepare(f, count_sql, r, 0)))
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
	return tell_each(f, r, line, arg);
}
