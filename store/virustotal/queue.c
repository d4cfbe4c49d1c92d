// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * queue.c - see queue.h.
 */
#include "store/virustotal/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/schema.h"

#define BUSY_MS 2000
#define LAST_FILE "virustotal.last"

/* When each is due: at once, or when its verdict is old. Our own programs are asked about like any other. */
static const char next_sql[] =
	"SELECT sha256, min(CASE WHEN verdict IS NULL OR verdict_time IS NULL THEN 0"
	" WHEN verdict = 'uploaded' THEN verdict_time + max(?5, verdict_time - coalesce(uploaded, 0))"
	" WHEN verdict = 'unknown' THEN verdict_time + ?1 ELSE verdict_time + ?2 END) AS due, max(uploaded)"
	" FROM program"
	" WHERE length(sha256) = 32 AND (first_network IS NOT NULL OR first_parent IS NOT NULL)"
	" GROUP BY sha256 ORDER BY max(due, ?4), sha256 IS ?3, due, max(id) DESC LIMIT 1";
static const char where_sql[] = "SELECT exe FROM program WHERE sha256 = ?1 AND exe IS NOT NULL"
				" ORDER BY last_seen DESC, id DESC LIMIT 1";

/* 1, 0 or -EIO, as queue_next(). */
static int find_next(sqlite3 *db, int64_t now_s, const uint8_t *failed, struct queue_item *item,
		     int64_t *due_s)
{
	sqlite3_stmt *stmt = NULL;
	int rc = -EIO, step;

	if (sqlite3_prepare_v2(db, next_sql, -1, &stmt, NULL) != SQLITE_OK)
		return -EIO;
	sqlite3_bind_int64(stmt, 1, QUEUE_UNKNOWN_S);
	sqlite3_bind_int64(stmt, 2, QUEUE_AGAIN_S);
	if (failed)
		sqlite3_bind_blob(stmt, 3, failed, WIRE_SHA256_SIZE, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 4, now_s);
	sqlite3_bind_int64(stmt, 5, QUEUE_UPLOADED_S);
	step = sqlite3_step(stmt);
	if (step == SQLITE_ROW && sqlite3_column_bytes(stmt, 0) == WIRE_SHA256_SIZE) {
		memcpy(item->sha256, sqlite3_column_blob(stmt, 0), WIRE_SHA256_SIZE);
		*due_s = sqlite3_column_int64(stmt, 1);
		item->uploaded_s = sqlite3_column_int64(stmt, 2);
		rc = *due_s <= now_s;
	} else if (step == SQLITE_DONE) {
		rc = 0;
	}
	sqlite3_finalize(stmt);
	return rc;
}

static void find_where(sqlite3 *db, struct queue_item *item)
{
	sqlite3_stmt *stmt = NULL;

	item->exe[0] = '\0';
	if (sqlite3_prepare_v2(db, where_sql, -1, &stmt, NULL) == SQLITE_OK) {
		sqlite3_bind_blob(stmt, 1, item->sha256, sizeof(item->sha256), SQLITE_STATIC);
		if (sqlite3_step(stmt) == SQLITE_ROW &&
		    sqlite3_column_bytes(stmt, 0) < (int)sizeof(item->exe))
			snprintf(item->exe, sizeof(item->exe), "%s",
				 (const char *)sqlite3_column_text(stmt, 0));
	}
	sqlite3_finalize(stmt);
}

int queue_next(const char *state_dir, int64_t now_s, const uint8_t *failed, struct queue_item *item,
	       int64_t *due_s)
{
	sqlite3 *db = NULL;
	char path[PATH_MAX];
	int rc = -EIO;

	*due_s = 0;
	if (snprintf(path, sizeof(path), "%s/" SCHEMA_FILE, state_dir) < (int)sizeof(path) &&
	    sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(db, BUSY_MS);
		rc = find_next(db, now_s, failed, item, due_s);
	}
	if (rc == 1)
		find_where(db, item);
	sqlite3_close(db);
	return rc;
}

int64_t queue_last_request(const char *state_dir)
{
	char path[PATH_MAX], text[32] = "";
	ssize_t n = 0;
	int fd;

	if (snprintf(path, sizeof(path), "%s/" LAST_FILE, state_dir) >= (int)sizeof(path))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 ? strtoll(text, NULL, 10) : 0;
}

void queue_requested(const char *state_dir, int64_t now_s)
{
	char path[PATH_MAX], text[32];
	int fd, n = snprintf(text, sizeof(text), "%lld\n", (long long)now_s);

	if (snprintf(path, sizeof(path), "%s/" LAST_FILE, state_dir) >= (int)sizeof(path))
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return;
	(void)!write(fd, text, (size_t)n);
	close(fd);
}
