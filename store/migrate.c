// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * migrate.c - see migrate.h.
 */
#include "store/migrate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/log.h"
#include "store/schema.h"

#define CHECK_WHOLE_BYTES (32 << 20) /* quick_check reads everything: a quarter of a second at this size */

const struct migrate_step migrate_steps[] = {
	{0, SCHEMA_V1},
	{1, SCHEMA_V2},
	{2, SCHEMA_V3},
	{3, SCHEMA_V4},
};
const size_t migrate_n_steps = sizeof(migrate_steps) / sizeof(migrate_steps[0]);

static int ask(struct sqlite *s, const char *sql, int64_t *out)
{
	sqlite3_stmt *stmt = sqlite_statement(s, sql);
	int rc = sqlite_step(s, stmt);

	if (rc == 1) {
		*out = sqlite3_column_int64(stmt, 0);
		sqlite3_reset(stmt);
		rc = 0;
	}
	return rc;
}

static int keep_copy(struct sqlite *s, int64_t version)
{
	char copy[PATH_MAX + 16];
	char *sql;
	int rc;

	snprintf(copy, sizeof(copy), "%s.v%lld.bak", s->path, (long long)version);
	if (unlink(copy) != 0 && errno != ENOENT)
		return -errno;
	sql = sqlite3_mprintf("VACUUM INTO %Q", copy);
	if (!sql)
		return -ENOMEM;
	rc = sqlite_exec(s, sql);
	sqlite3_free(sql);
	if (rc == 0)
		log_info("%s: schema version %lld, a copy is kept in %s", s->path, (long long)version, copy);
	return rc;
}

static int run_steps(struct sqlite *s, const struct migrate_step *steps, size_t n, int64_t from, int version)
{
	char pragma[96];
	size_t i;
	int rc;

	if ((rc = sqlite_run(s, sqlite_statement(s, "BEGIN IMMEDIATE"))) != 0)
		return rc;
	for (i = 0; i < n && rc == 0; i++)
		if (steps[i].from >= from && steps[i].from < version)
			rc = sqlite_exec(s, steps[i].sql);
	snprintf(pragma, sizeof(pragma), "PRAGMA user_version=%d; PRAGMA application_id=%d", version,
		 SCHEMA_APPLICATION_ID);
	if (rc == 0)
		rc = sqlite_exec(s, pragma);
	if (rc != 0) {
		sqlite_rollback(s);
		return rc;
	}
	return sqlite_commit(s);
}

int migrate_run(struct sqlite *s, const struct migrate_step *steps, size_t n, int version)
{
	int64_t application = 0, found = 0, tables = 0;
	int rc;

	if ((rc = ask(s, "PRAGMA application_id", &application)) != 0 ||
	    (rc = ask(s, "PRAGMA user_version", &found)) != 0 ||
	    (rc = ask(s, "SELECT count(*) FROM sqlite_master", &tables)) != 0)
		return rc;
	if (tables > 0 && application != SCHEMA_APPLICATION_ID) {
		snprintf(s->why, sizeof(s->why),
			 "not a database of femtosnitch (perhaps of picosnitch): "
			 "move it away, it was not touched");
		return -ENOTSUP;
	}
	if (found > version) {
		snprintf(s->why, sizeof(s->why),
			 "schema version %lld is newer than this program's %d: it was not touched",
			 (long long)found, version);
		return -ENOTSUP;
	}
	if (found == version)
		return sqlite_prepare_writing(s);
	if (tables > 0 && (rc = keep_copy(s, found)) != 0)
		return rc;
	if ((rc = sqlite_prepare_writing(s)) != 0)
		return rc;
	return run_steps(s, steps, n, found, version);
}

static int check_part(struct sqlite *s, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	const char *answer;
	int rc;

	if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return sqlite_exec(s, sql);
	rc = sqlite_step(s, stmt);
	if (rc == 1) {
		answer = (const char *)sqlite3_column_text(stmt, 0);
		rc = answer && strcmp(answer, "ok") == 0 ? 0 : -EUCLEAN;
		if (rc != 0)
			snprintf(s->why, sizeof(s->why), "%s", answer ? answer : "damaged");
	}
	sqlite3_finalize(stmt);
	return rc;
}

int migrate_check(struct sqlite *s)
{
	static const char *const parts[] = {
		"PRAGMA quick_check('meta')",	 "PRAGMA quick_check('program')",
		"PRAGMA quick_check('loss')",	 "PRAGMA quick_check('flow_range')",
		"PRAGMA quick_check('account')", "PRAGMA quick_check('proof')",
	};
	struct stat st;
	size_t i;
	int rc = 0;

	if (stat(s->path, &st) == 0 && st.st_size <= CHECK_WHOLE_BYTES)
		return check_part(s, "PRAGMA quick_check(1)");
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]) && rc == 0; i++)
		rc = check_part(s, parts[i]);
	return rc;
}
