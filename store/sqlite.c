// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sqlite.c - see sqlite.h.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

static int to_errno(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return code == SQLITE_READONLY_DBMOVED ? -ESTALE : -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_CANTOPEN:
		return -EACCES;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
		return -EUCLEAN;
	case SQLITE_NOMEM:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

static int fail(struct sqlite *s, int code)
{
	int rc = to_errno(code);

	if (rc == -EIO && s->db && sqlite3_system_errno(s->db) == ENOSPC)
		rc = -ENOSPC;
	if (rc != 0)
		snprintf(s->why, sizeof(s->why), "%s", s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(code));
	return rc;
}

static int count_frames(void *arg, sqlite3 *db, const char *name, int frames)
{
	struct sqlite *s = arg;

	(void)db, (void)name;
	s->wal_frames = frames;
	return SQLITE_OK;
}

/* Which file it is that we hold open. */
static void note_file(struct sqlite *s)
{
	struct stat st;

	if (stat(s->path, &st) == 0) {
		s->dev = st.st_dev;
		s->ino = st.st_ino;
	}
}

int sqlite_open(struct sqlite *s, const char *path)
{
	int rc, code, keep = 1;

	memset(s, 0, sizeof(*s));
	if (strlen(path) + sizeof("-journal") > sizeof(s->path))
		return -ENAMETOOLONG;
	strcpy(s->path, path);
	/* One thread: no mutexes. The size of the heap's small pieces is what idle memory is made of. */
	code = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			       NULL);
	if (code != SQLITE_OK) {
		rc = fail(s, code);
		sqlite_close(s);
		return rc;
	}
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, SQLITE_BUSY_MS);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* So that somebody of the group, who may not create files here, can read after we stopped. */
	sqlite3_file_control(s->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
	if (sqlite3_db_readonly(s->db, "main") == 1) {
		sqlite_close(s);
		snprintf(s->why, sizeof(s->why), "the file cannot be written");
		return -EROFS;
	}
	note_file(s);
	return 0;
}

int sqlite_open_reading(struct sqlite *s, const char *path)
{
	int rc, code;

	memset(s, 0, sizeof(*s));
	if (strlen(path) + sizeof("-journal") > sizeof(s->path))
		return -ENAMETOOLONG;
	strcpy(s->path, path);
	code = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (code == SQLITE_OK) {
		sqlite3_extended_result_codes(s->db, 1);
		sqlite3_busy_timeout(s->db, SQLITE_BUSY_MS);
		sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
		note_file(s);
		return sqlite_exec(s, "PRAGMA cache_size=-256; PRAGMA query_only=1");
	}
	rc = fail(s, code);
	sqlite_close(s);
	return rc;
}

int sqlite_prepare_writing(struct sqlite *s)
{
	sqlite3_stmt *mode = NULL;
	int rc;

	/* Before the first table exists, or without effect. */
	if ((rc = sqlite_exec(s, "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA cache_size=-1024;"
				 "PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=4194304;")) != 0)
		return rc;
	rc = fail(s, sqlite3_prepare_v2(s->db, "PRAGMA journal_mode=WAL", -1, &mode, NULL));
	if (rc == 0 && (rc = sqlite_step(s, mode)) == 1) {
		rc = strcmp((const char *)sqlite3_column_text(mode, 0), "wal") == 0 ? 0 : -EROFS;
		if (rc != 0)
			snprintf(s->why, sizeof(s->why), "this filesystem does not allow WAL mode");
	}
	sqlite3_finalize(mode);
	if (rc != 0)
		return rc;
	sqlite3_wal_hook(s->db, count_frames, s);
	return sqlite_exec(s, "PRAGMA synchronous=FULL");
}

void sqlite_close(struct sqlite *s)
{
	size_t i;

	for (i = 0; i < SQLITE_STATEMENTS && s->statement[i].sql; i++) {
		sqlite3_finalize(s->statement[i].stmt);
		s->statement[i].sql = NULL;
		s->statement[i].stmt = NULL;
	}
	sqlite3_close(s->db);
	s->db = NULL;
	s->wal_frames = 0;
}

sqlite3_stmt *sqlite_statement(struct sqlite *s, const char *sql)
{
	size_t i;
	int code;

	if (!s->db)
		return NULL;
	for (i = 0; i < SQLITE_STATEMENTS && s->statement[i].sql; i++)
		if (s->statement[i].sql == sql)
			return s->statement[i].stmt;
	if (i == SQLITE_STATEMENTS) {
		snprintf(s->why, sizeof(s->why), "more than %d statements", SQLITE_STATEMENTS);
		return NULL;
	}
	code = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->statement[i].stmt, NULL);
	if (fail(s, code) != 0)
		return NULL;
	s->statement[i].sql = sql;
	return s->statement[i].stmt;
}

int sqlite_step(struct sqlite *s, sqlite3_stmt *stmt)
{
	int code, rc;

	if (!stmt)
		return s->db ? (to_errno(sqlite3_extended_errcode(s->db)) ?: -EIO) : -EACCES;
	code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		return 1;
	rc = fail(s, code);
	sqlite3_reset(stmt);
	return rc;
}

int sqlite_run(struct sqlite *s, sqlite3_stmt *stmt)
{
	int rc = sqlite_step(s, stmt);

	if (rc == 1) {
		sqlite3_reset(stmt);
		rc = 0;
	}
	return rc;
}

int sqlite_run2(struct sqlite *s, const char *sql, int64_t first, int64_t second)
{
	sqlite3_stmt *stmt = sqlite_statement(s, sql);

	sqlite3_bind_int64(stmt, 1, first);
	sqlite3_bind_int64(stmt, 2, second);
	return sqlite_run(s, stmt);
}

int sqlite_exec(struct sqlite *s, const char *sql)
{
	return fail(s, sqlite3_exec(s->db, sql, NULL, NULL, NULL));
}

int64_t sqlite_number(struct sqlite *s, const char *sql, int64_t fallback)
{
	sqlite3_stmt *stmt = sqlite_statement(s, sql);

	if (sqlite_step(s, stmt) != 1)
		return fallback;
	if (sqlite3_column_type(stmt, 0) != SQLITE_NULL)
		fallback = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return fallback;
}

int sqlite_still_there(struct sqlite *s)
{
	struct stat st;

	if (stat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		return 0;
	snprintf(s->why, sizeof(s->why), "the file was moved or replaced");
	return -ESTALE;
}

static int spare_room(struct sqlite *s)
{
	struct statvfs fs;

	if (statvfs(s->path, &fs) != 0 || fs.f_blocks == 0)
		return 0;
	if (fs.f_bavail / (double)fs.f_blocks * 100 >= SQLITE_SPARE_PERCENT)
		return 0;
	snprintf(s->why, sizeof(s->why), "less than %d %% of the disk is free", SQLITE_SPARE_PERCENT);
	return -ENOSPC;
}

int sqlite_begin(struct sqlite *s)
{
	int rc;

	if (!s->db)
		return -EACCES;
	if ((rc = sqlite_still_there(s)) != 0 || (rc = spare_room(s)) != 0)
		return rc;
	return sqlite_run(s, sqlite_statement(s, "BEGIN IMMEDIATE"));
}

int sqlite_commit(struct sqlite *s)
{
	int rc = sqlite_run(s, sqlite_statement(s, "COMMIT"));

	if (rc != 0)
		sqlite_rollback(s);
	return rc;
}

void sqlite_rollback(struct sqlite *s)
{
	char why[sizeof(s->why)];

	if (!s->db || sqlite3_get_autocommit(s->db))
		return;
	memcpy(why, s->why, sizeof(why)); /* the reason is more useful than what rolling back says */
	sqlite_exec(s, "ROLLBACK");
	memcpy(s->why, why, sizeof(why));
}

int sqlite_checkpoint(struct sqlite *s)
{
	int code, frames = 0, copied = 0;

	if (!s->db || s->wal_frames == 0)
		return 0;
	code = sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_PASSIVE, &frames, &copied);
	if (code == SQLITE_OK)
		s->wal_frames = frames > copied ? frames - copied : 0;
	return fail(s, code);
}

int64_t sqlite_size_bytes(struct sqlite *s)
{
	int64_t pages = sqlite_number(s, "PRAGMA page_count", 0);

	return (pages - sqlite_number(s, "PRAGMA freelist_count", 0)) *
	       sqlite_number(s, "PRAGMA page_size", 4096);
}

void sqlite_trim(struct sqlite *s)
{
	if (s->db)
		sqlite3_db_release_memory(s->db);
	malloc_trim(0);
}

int sqlite_move_aside(const char *path, int64_t now_s, char to[PATH_MAX])
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	char from[PATH_MAX + 8], target[PATH_MAX + 8], stamp[32];
	struct tm tm;
	time_t now = (time_t)now_s;
	size_t i;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	if (snprintf(to, PATH_MAX, "%s.corrupt-%s", path, stamp) >= PATH_MAX)
		return -ENAMETOOLONG;
	for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		snprintf(from, sizeof(from), "%s%s", path, suffixes[i]);
		snprintf(target, sizeof(target), "%s%s", to, suffixes[i]);
		if (rename(from, target) != 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}
