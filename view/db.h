/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * db.h - snitch.db, opened so that nothing asked of it can change it or reach past it: read-only, one
 * statement at a time, no ATTACH, no PRAGMA that sets anything, no extensions. Speaks through log_warnx().
 */
#ifndef FEMTOSNITCH_VIEW_DB_H
#define FEMTOSNITCH_VIEW_DB_H

#include <sqlite3.h>

#define DB_BUSY_MS 2000 /* how long a writer that holds the database is waited for */

/* 0: *db is open (sqlite3_close). -errno: what is wrong and what to do about it was said. SQL can use the
 * function in_network(ADDRESS, NETWORK): 1, 0, or NULL where either is not one. */
int db_open(sqlite3 **db, const char *path);

/* Prepare the one statement that sql is. 0 (*stmt is to be finalized), -EINVAL and it was said why, with a
 * caret under the place where SQLite knows it. */
int db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **stmt);

/* Say what SQLite did not like; during says what was tried, or is NULL. Returns -EINTR after
 * sqlite3_interrupt(), -ENOMEM, else -EIO. */
int db_error(sqlite3 *db, const char *during);

#endif
