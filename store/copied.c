// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * copied.c - see copied.h.
 */
#include "store/copied.h"

#include <string.h>

#include "config/process.h"
#include "config/wire_check.h"

#define AGAIN_MS 1000 /* a database that cannot be written is asked again */

void copied_begin(struct copied *c, struct sqlite *db)
{
	static const char sql[] = "SELECT seq FROM sink WHERE name = ?1";
	sqlite3_stmt *stmt;
	unsigned i;

	memset(c, 0, sizeof(*c));
	for (i = WIRE_CHAIN_END; i < WIRE_STAGE__MAX; i++) {
		stmt = sqlite_statement(db, sql);
		sqlite3_bind_text(stmt, 1, wire_stage_name(i), -1, SQLITE_STATIC);
		if (sqlite_step(db, stmt) != 1)
			continue;
		c->said[i] = c->kept[i] = sqlite3_column_int64(stmt, 0);
		sqlite3_reset(stmt);
	}
	c->kept_ms = process_now_ms();
}

/* The most that any of them is ahead of what is kept. */
static int64_t news(const struct copied *c)
{
	int64_t most = 0;
	int i;

	for (i = WIRE_CHAIN_END; i < WIRE_STAGE__MAX; i++)
		if (c->said[i] - c->kept[i] > most)
			most = c->said[i] - c->kept[i];
	return most;
}

void copied_said(struct copied *c, const struct sqlite *db, const struct wire_sink *said)
{
	if (!db->db || said->file != db->ino || (int64_t)said->seq <= c->said[said->stage])
		return;
	if (news(c) == 0)
		c->kept_ms = process_now_ms();
	c->said[said->stage] = (int64_t)said->seq;
}

int64_t copied_until(const struct copied *c, const struct settings *settings)
{
	int64_t least = INT64_MAX;
	unsigned i;

	for (i = WIRE_CHAIN_END; i < WIRE_STAGE__MAX; i++)
		if (settings_copied_to(settings, i) && c->said[i] < least)
			least = c->said[i];
	return least;
}

int copied_keep(const struct copied *c, struct sqlite *db)
{
	static const char set[] = "INSERT INTO sink(name, seq) VALUES(?1, ?2)"
				  " ON CONFLICT(name) DO UPDATE SET seq = excluded.seq";
	sqlite3_stmt *stmt;
	unsigned i;
	int rc = 0;

	for (i = WIRE_CHAIN_END; i < WIRE_STAGE__MAX && rc == 0; i++) {
		if (c->said[i] <= c->kept[i])
			continue;
		stmt = sqlite_statement(db, set);
		sqlite3_bind_text(stmt, 1, wire_stage_name(i), -1, SQLITE_STATIC);
		sqlite3_bind_int64(stmt, 2, c->said[i]);
		rc = sqlite_run(db, stmt);
	}
	return rc;
}

void copied_kept(struct copied *c)
{
	memcpy(c->kept, c->said, sizeof(c->kept));
	c->kept_ms = process_now_ms();
}

static void keep_now(struct copied *c, struct sqlite *db)
{
	if (sqlite_begin(db) != 0)
		return;
	if (copied_keep(c, db) == 0 && sqlite_commit(db) == 0)
		copied_kept(c);
	else
		sqlite_rollback(db);
}

int copied_serve(struct copied *c, struct sqlite *db)
{
	int64_t now = process_now_ms(), due = c->kept_ms + COPIED_KEEP_S * 1000;

	if (news(c) == 0)
		return -1;
	if (db->db && (news(c) >= COPIED_KEEP_WINDOWS || now >= due))
		keep_now(c, db);
	if (news(c) == 0)
		return -1;
	return due > now ? (int)(due - now) : AGAIN_MS;
}

void copied_end(struct copied *c, struct sqlite *db)
{
	if (news(c) > 0 && db->db)
		keep_now(c, db);
}
