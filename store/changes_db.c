// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * changes_db.c - see changes_db.h.
 */
#include "store/changes_db.h"

#include <string.h>

#include "store/changes.h"
#include "store/schema.h"

/* A text and its bytes stay until the statement is reset. */
static void bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	if (text && text[0])
		sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(stmt, at);
}

static int begin(struct sqlite *s, bool *begun)
{
	int rc = *begun ? 0 : sqlite_begin(s);

	*begun = *begun || rc == 0;
	return rc;
}

/* ---- which package brought it */

static int write_package(struct sqlite *s, const struct change *e, bool *begun)
{
	static const char find[] = "SELECT 1 FROM packaged WHERE exe = ?1 AND sha256 = ?2 AND package = ?3"
				   " AND version IS ?4 AND explained = ?5";
	static const char add[] =
		"INSERT OR REPLACE INTO packaged(exe, sha256, package, version, explained, manager)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
	const char *const sql[] = {find, add};
	sqlite3_stmt *stmt;
	int i, rc = 0;

	for (i = 0; i < 2 && rc == 0; i++) {
		if (i == 1 && (rc = begin(s, begun)) != 0)
			break;
		stmt = sqlite_statement(s, sql[i]);
		bind_text(stmt, 1, e->exe);
		sqlite3_bind_blob(stmt, 2, e->sha256, sizeof(e->sha256), SQLITE_STATIC);
		bind_text(stmt, 3, e->package);
		bind_text(stmt, 4, e->version);
		sqlite3_bind_int(stmt, 5, e->explained);
		if (i == 1)
			bind_text(stmt, 6, e->manager);
		rc = sqlite_step(s, stmt);
		if (rc == 1)
			sqlite3_reset(stmt);
	}
	return rc < 0 ? rc : 0;
}

/* ---- what changed */

/* What was known there. */
struct known {
	char *exe, *container; /* sqlite3_free() */
	uint8_t sha256[WIRE_SHA256_SIZE];
};

static char *column_text(sqlite3_stmt *stmt, int at)
{
	const char *text = (const char *)sqlite3_column_text(stmt, at);

	return text ? sqlite3_mprintf("%s", text) : NULL;
}

/* 1: known, 0: not, -errno. */
static int look_up(struct sqlite *s, int64_t location, struct known *known)
{
	static const char find[] =
		"SELECT exe, container, sha256 FROM location WHERE id = ?1 AND length(sha256) = 32";
	sqlite3_stmt *stmt = sqlite_statement(s, find);
	int rc;

	sqlite3_bind_int64(stmt, 1, location);
	if ((rc = sqlite_step(s, stmt)) != 1)
		return rc;
	known->exe = column_text(stmt, 0);
	known->container = column_text(stmt, 1);
	memcpy(known->sha256, sqlite3_column_blob(stmt, 2), sizeof(known->sha256));
	sqlite3_reset(stmt);
	return 1;
}

/* 0: none, -errno. */
static int64_t found_event(struct sqlite *s, sqlite3_stmt *stmt)
{
	int64_t event = 0;
	int rc = sqlite_step(s, stmt);

	if (rc == 1) {
		event = sqlite3_column_int64(stmt, 0);
		sqlite3_reset(stmt);
	}
	return rc < 0 ? rc : event;
}

/* Of other changes that the same package manager made then. */
static int64_t find_run(struct sqlite *s, const struct change *e)
{
	static const char find[] =
		"SELECT event FROM change WHERE placed BETWEEN ?1 - ?2 AND ?1 + ?2 AND explained = ?3"
		" AND manager = ?4 ORDER BY id DESC LIMIT 1";
	sqlite3_stmt *stmt = sqlite_statement(s, find);

	sqlite3_bind_int64(stmt, 1, e->placed_s);
	sqlite3_bind_int(stmt, 2, CHANGES_RUN_S);
	sqlite3_bind_int(stmt, 3, WIRE_EXPLAINED_YES);
	bind_text(stmt, 4, e->manager);
	return found_event(s, stmt);
}

/* Of the modification that was told before it ran. */
static int64_t find_raised(struct sqlite *s, const struct change *e)
{
	static const char find[] = "SELECT event FROM (SELECT event, kind FROM change WHERE location = ?1"
				   " ORDER BY id DESC LIMIT 1) WHERE kind = ?2";
	sqlite3_stmt *stmt = sqlite_statement(s, find);

	sqlite3_bind_int64(stmt, 1, e->location);
	sqlite3_bind_int(stmt, 2, SCHEMA_CHANGE_MODIFIED);
	return found_event(s, stmt);
}

/* The event that a change belongs to; 0: it is one of its own, -errno. */
static int64_t find_event(struct sqlite *s, const struct change *e)
{
	int64_t event = e->explained == WIRE_EXPLAINED_YES ? find_run(s, e) : 0;

	return event ? event : find_raised(s, e);
}

static int add_change(struct sqlite *s, const struct change *e, const struct known *known, int64_t event)
{
	static const char add[] =
		"INSERT INTO change(id, time, kind, location, exe, container, old_sha256, sha256, placed, "
		"manager,"
		" package, version, explained, event, writer) SELECT next, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, "
		"?9, "
		"?10, ?11,"
		" ?12, coalesce(?13, next), ?14 FROM (SELECT 1 + coalesce(max(id), 0) AS next FROM change)";
	sqlite3_stmt *stmt = sqlite_statement(s, add);
	bool ran = e->kind == SCHEMA_CHANGE_CHANGED;

	sqlite3_bind_int64(stmt, 1, e->time_s);
	sqlite3_bind_int(stmt, 2, e->kind);
	sqlite3_bind_int64(stmt, 3, e->location);
	bind_text(stmt, 4, known->exe);
	bind_text(stmt, 5, known->container);
	sqlite3_bind_blob(stmt, 6, known->sha256, sizeof(known->sha256), SQLITE_STATIC);
	sqlite3_bind_null(stmt, 7);
	sqlite3_bind_null(stmt, 8);
	sqlite3_bind_null(stmt, 13);
	if (ran) {
		sqlite3_bind_blob(stmt, 7, e->sha256, sizeof(e->sha256), SQLITE_STATIC);
		sqlite3_bind_int64(stmt, 8, e->placed_s);
	}
	bind_text(stmt, 9, e->manager);
	bind_text(stmt, 10, e->package);
	bind_text(stmt, 11, e->version);
	sqlite3_bind_int(stmt, 12, e->explained);
	if (event)
		sqlite3_bind_int64(stmt, 13, event);
	bind_text(stmt, 14, e->writer);
	return sqlite_run(s, stmt);
}

static int now_holds(struct sqlite *s, const struct change *e)
{
	static const char set[] = "UPDATE location SET sha256 = ?2, since = ?3 WHERE id = ?1";
	sqlite3_stmt *stmt = sqlite_statement(s, set);

	sqlite3_bind_int64(stmt, 1, e->location);
	sqlite3_bind_blob(stmt, 2, e->sha256, sizeof(e->sha256), SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 3, e->time_s);
	return sqlite_run(s, stmt);
}

static int write_change(struct sqlite *s, const struct change *e, const struct known *known, bool *begun,
			int64_t *event)
{
	int rc;

	if (e->kind == SCHEMA_CHANGE_CHANGED &&
	    ((e->exe && known->exe && strcmp(e->exe, known->exe) != 0) || /* one number for two paths */
	     memcmp(e->sha256, known->sha256, sizeof(e->sha256)) == 0))
		return 0;
	if ((rc = begin(s, begun)) != 0)
		return rc;
	if (e->kind == SCHEMA_CHANGE_CHANGED && (*event = find_event(s, e)) < 0)
		return (int)*event;
	rc = add_change(s, e, known, *event);
	if (rc == 0 && !*event)
		*event = sqlite3_last_insert_rowid(s->db);
	return rc == 0 && e->kind == SCHEMA_CHANGE_CHANGED ? now_holds(s, e) : rc;
}

/* ---- what is known */

static int add_location(struct sqlite *s, int64_t id, const char *exe, const char *container,
			const uint8_t *sha256, int64_t now_s)
{
	static const char add[] = "INSERT OR IGNORE INTO location(id, exe, container, sha256, since)"
				  " VALUES(?1, ?2, ?3, ?4, ?5)";
	sqlite3_stmt *stmt = sqlite_statement(s, add);

	sqlite3_bind_int64(stmt, 1, id);
	bind_text(stmt, 2, exe);
	bind_text(stmt, 3, container);
	sqlite3_bind_blob(stmt, 4, sha256, WIRE_SHA256_SIZE, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 5, now_s);
	return sqlite_run(s, stmt);
}

int changes_know(struct sqlite *s, const struct image *i, int64_t now_s)
{
	const struct program *p = i->command->program;
	const char *container = i->place ? i->place->container : NULL;

	if (p->hash_error != WIRE_HASH_OK || !p->exe || p->self || i->command->where == COMMAND_NOWHERE ||
	    (i->command->where == COMMAND_ELSEWHERE && !container))
		return 0;
	return add_location(s, changes_location(p->exe, container), p->exe, container, p->sha256, now_s);
}

/* It got its row while the digest was on its way, and may never get another one. */
static int know_late(struct sqlite *s, const struct change *e, bool *begun)
{
	static const char find[] =
		"SELECT 1 FROM program WHERE exe = ?1 AND (sha256 = ?2 OR hash_error = ?3)";
	sqlite3_stmt *stmt = sqlite_statement(s, find);
	int rc;

	bind_text(stmt, 1, e->exe);
	sqlite3_bind_blob(stmt, 2, e->sha256, sizeof(e->sha256), SQLITE_STATIC);
	sqlite3_bind_int(stmt, 3, WIRE_HASH_PENDING);
	if ((rc = sqlite_step(s, stmt)) != 1)
		return rc;
	sqlite3_reset(stmt);
	rc = begin(s, begun);
	return rc ? rc : add_location(s, e->location, e->exe, e->container, e->sha256, e->time_s);
}

int changes_compare(struct sqlite *s, const struct change *e, bool *begun, int64_t *event)
{
	struct known known = {0};
	int rc = 0;

	if (e->package && (rc = write_package(s, e, begun)) != 0)
		return rc;
	rc = look_up(s, e->location, &known);
	if (rc == 1)
		rc = write_change(s, e, &known, begun, event);
	else if (rc == 0 && e->kind == SCHEMA_CHANGE_CHANGED)
		rc = know_late(s, e, begun);
	sqlite3_free(known.exe);
	sqlite3_free(known.container);
	return rc;
}
