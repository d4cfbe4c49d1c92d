// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sqlite.c - see sqlite.h. Table Basenames leads from a base name to the numbers of packages, table Packages
 * from there to headers.
 */
#include "hasher/rpmdb/sqlite.h"

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define BUSY_MS 5000
#define PACKAGES_MAX "64" /* with a file of one base name */

/* Without the files that a reader needs beside a database in WAL mode, and without the right to make them,
 * nobody else has it open, and the file is all there is. */
static sqlite3 *open_database(const char *file)
{
	char uri[3 * PATH_MAX];
	sqlite3 *db = NULL;
	unsigned i;

	for (i = 0; i < 2; i++) {
		sqlite3_snprintf((int)sizeof(uri), uri, "file:%s?mode=ro%s", file, i ? "&immutable=1" : "");
		if (sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) == SQLITE_OK &&
		    sqlite3_busy_timeout(db, BUSY_MS) == SQLITE_OK &&
		    sqlite3_exec(db, "SELECT 1 FROM Basenames LIMIT 1", NULL, NULL, NULL) == SQLITE_OK)
			return db;
		sqlite3_close(db);
		db = NULL;
	}
	return NULL;
}

int sqlite_match(const char *file, struct matches *m)
{
	static const char sql[] = "SELECT blob FROM Packages WHERE hnum IN"
				  " (SELECT hnum FROM Basenames WHERE key = ?1 LIMIT " PACKAGES_MAX ")";
	sqlite3 *db = open_database(file);
	sqlite3_stmt *stmt = NULL;
	int rc = -EINVAL;
	size_t i;

	if (!db || sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		goto out;
	for (i = 0; i < m->n; i++) {
		if (i && strcmp(m->match[i].base, m->match[i - 1].base) == 0)
			continue;
		sqlite3_bind_text(stmt, 1, m->match[i].base, -1, SQLITE_STATIC);
		while (sqlite3_step(stmt) == SQLITE_ROW) {
			const void *blob = sqlite3_column_blob(stmt, 0);

			if (blob)
				match_header(m, m->match[i].base, blob,
					     (size_t)sqlite3_column_bytes(stmt, 0));
		}
		if (sqlite3_reset(stmt) != SQLITE_OK)
			goto out;
	}
	rc = 0;
out:
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return rc;
}
