// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ack.c - see ack.h. What is meant is found first (a path as it stands, a name in all programs that have it,
 * nothing: all that are not acknowledged yet), so that one statement writes it.
 */
#include "store/ack.h"

#include <errno.h>
#include <string.h>

#include "config/log.h"

#define EVERYBODY (-1) /* acknowledged.uid */

/* ?1 the program, ?2 uid, ?3 time, ?4 until or NULL. A path may be muted before it was ever seen. */
#define MEANT(more)                                                                                          \
	"(SELECT DISTINCT exe FROM program WHERE exe IS NOT NULL AND (exe = ?1 OR name = ?1" more ")"        \
	" UNION SELECT ?1 WHERE substr(?1, 1, 1) = '/')"

static const char ack[] =
	"INSERT INTO acknowledged(exe, uid, muted, time, until)"
	" SELECT exe, ?2, 0, ?3, ?4 FROM " MEANT(" OR (?1 = '' AND acknowledged = 0 AND first_network IS NOT "
						 "NULL)") " WHERE true ON CONFLICT DO UPDATE SET time = "
							  "excluded.time, until = excluded.until";
static const char mute[] =
	"INSERT INTO acknowledged(exe, uid, muted, time, until)"
	" SELECT exe, ?2, 1, ?3, ?4 FROM " MEANT(
		"") " WHERE true ON CONFLICT DO UPDATE SET time = excluded.time, until = excluded.until";
static const char unmute[] = "DELETE FROM acknowledged WHERE muted = 1 AND uid = ?2 AND ?3 AND ?4 IS NULL"
			     " AND (?1 = '' OR exe = ?1 OR exe IN (SELECT exe FROM program WHERE name = ?1))";
/* Everybody's word stands in the programs themselves: they are no news, as they are now. */
static const char mark[] =
	"UPDATE program SET acknowledged = 1 WHERE ?2 = -1 AND ?3 AND ?4 IS NULL AND acknowledged = 0"
	" AND (exe = ?1 OR name = ?1 OR ?1 = '')";

static int run(struct sqlite *s, const char *sql, const struct wire_order *order, int64_t now_s)
{
	sqlite3_stmt *stmt = sqlite_statement(s, sql);

	sqlite3_bind_text(stmt, 1, (const char *)(order + 1), (int)order->program_len, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, order->uid == WIRE_EVERYBODY ? EVERYBODY : (int64_t)order->uid);
	sqlite3_bind_int64(stmt, 3, now_s);
	if (order->until_s && order->verb == WIRE_ORDER_MUTE)
		sqlite3_bind_int64(stmt, 4, order->until_s);
	else
		sqlite3_bind_null(stmt, 4);
	return sqlite_run(s, stmt);
}

static int carry_out(struct sqlite *s, const struct wire_order *order, int64_t now_s, struct wire_done *done)
{
	const char *sql = order->verb == WIRE_ORDER_ACK	   ? ack
			  : order->verb == WIRE_ORDER_MUTE ? mute
							   : unmute;
	int rc;

	if (order->verb == WIRE_ORDER_MUTE && order->program_len == 0)
		return -EINVAL; /* that would be all there is */
	rc = run(s, sql, order, now_s);
	done->programs = rc == 0 ? (__u64)sqlite3_changes64(s->db) : 0;
	if (rc == 0 && order->verb == WIRE_ORDER_ACK)
		rc = run(s, mark, order, now_s);
	return rc;
}

int ack_order(struct sqlite *s, const struct wire_order *order, int64_t now_s, struct wire_done *done)
{
	int rc = sqlite_begin(s);

	*done = (struct wire_done){.id = order->id};
	if (rc == 0) {
		rc = carry_out(s, order, now_s, done);
		if (rc != 0)
			sqlite_rollback(s);
		else
			rc = sqlite_commit(s);
	}
	done->error = (__u32)-rc;
	return rc;
}
