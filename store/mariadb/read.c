// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * read.c - see read.h.
 */
#include "store/mariadb/read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/log.h"
#include "store/mariadb/connection.h"
#include "store/mariadb/insert.h"

#define ROWS_AT_ONCE 500 /* of a walk */
#define ANSWER_S 3600	 /* a large copy takes its time */

struct reading {
	MYSQL *conn;
	struct target target;
};

static void *make(void)
{
	return calloc(1, sizeof(struct reading));
}

static void free_reading(void *link)
{
	struct reading *r = link;

	if (r->conn)
		mysql_close(r->conn);
	target_free(&r->target);
	free(r);
}

static int refused(const struct reading *r)
{
	log_warnx("remote: %s", r->conn ? mysql_error(r->conn) : "no memory");
	return -EIO;
}

static int run(const struct reading *r, const char *sql)
{
	return mysql_real_query(r->conn, sql, strlen(sql)) == 0 ? 0 : refused(r);
}

static int aim(struct reading *r, const char *where, const char *table)
{
	struct target *t = &r->target;
	int rc = target_parse(t, where);

	if (rc == 0 && table && !target_set_table(t, table)) {
		snprintf(t->why, sizeof(t->why), "--table: not a name");
		rc = -EINVAL;
	}
	if (t->why[0])
		log_warnx("remote: %s", t->why);
	return rc == 0 ? 0 : -EIO;
}

static int open_reading(void *link, const char *where, const char *table)
{
	struct reading *r = link;
	int rc = aim(r, where, table);

	if (rc != 0)
		return rc;
	if (!connection_open(&r->conn, &r->target, ANSWER_S))
		return refused(r);
	if ((rc = run(r, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")) != 0)
		return rc;
	return run(r, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
}

static int ask(void *link, const char *sql, reader_row_fn *fn, void *arg)
{
	struct reading *r = link;
	struct content_value v[LAYOUT_COLUMNS_MAX];
	const unsigned long *lengths;
	MYSQL_RES *res;
	MYSQL_ROW row;
	unsigned n, i;
	int rc = run(r, sql);

	if (rc != 0)
		return rc;
	if (!(res = mysql_store_result(r->conn)))
		return refused(r);
	n = mysql_num_fields(res);
	while (rc == 0 && (row = mysql_fetch_row(res))) {
		lengths = mysql_fetch_lengths(res);
		for (i = 0; i < n && i < LAYOUT_COLUMNS_MAX; i++)
			v[i] = (struct content_value){.text = row[i], .len = lengths[i]};
		rc = fn(arg, v);
	}
	mysql_free_result(res);
	return rc;
}

/* ---- a walk: a cursor of a prepared statement */

struct walk {
	MYSQL_BIND bind[LAYOUT_COLUMNS_MAX];
	char value[LAYOUT_COLUMNS_MAX][READER_VALUE_SIZE];
	unsigned long len[LAYOUT_COLUMNS_MAX];
	my_bool null[LAYOUT_COLUMNS_MAX];
	unsigned n;
};

static bool begin_walk(MYSQL_STMT *stmt, struct walk *w, const char *sql)
{
	const unsigned long cursor = CURSOR_TYPE_READ_ONLY, rows = ROWS_AT_ONCE;
	unsigned i;

	if (mysql_stmt_attr_set(stmt, STMT_ATTR_CURSOR_TYPE, &cursor) != 0 ||
	    mysql_stmt_attr_set(stmt, STMT_ATTR_PREFETCH_ROWS, &rows) != 0 ||
	    mysql_stmt_prepare(stmt, sql, strlen(sql)) != 0 || mysql_stmt_execute(stmt) != 0)
		return false;
	w->n = mysql_stmt_field_count(stmt);
	for (i = 0; i < w->n && i < LAYOUT_COLUMNS_MAX; i++)
		w->bind[i] = (MYSQL_BIND){
			.buffer_type = MYSQL_TYPE_STRING,
			.buffer = w->value[i],
			.buffer_length = READER_VALUE_SIZE,
			.length = &w->len[i],
			.is_null = &w->null[i],
		};
	return mysql_stmt_bind_result(stmt, w->bind) == 0;
}

static int give(struct walk *w, reader_row_fn *fn, void *arg)
{
	struct content_value v[LAYOUT_COLUMNS_MAX];
	unsigned i;

	for (i = 0; i < w->n; i++)
		v[i] = (struct content_value){
			.text = w->null[i] ? NULL : w->value[i],
			.len = w->len[i] < READER_VALUE_SIZE ? w->len[i] : READER_VALUE_SIZE,
		};
	return fn(arg, v);
}

static int walk(void *link, const char *sql, reader_row_fn *fn, void *arg)
{
	struct reading *r = link;
	struct walk w = {.n = 0};
	MYSQL_STMT *stmt = mysql_stmt_init(r->conn);
	int got = 0, rc = 0;

	if (!stmt)
		return refused(r);
	if (!begin_walk(stmt, &w, sql))
		got = 1;
	while (rc == 0 && got == 0 && ((got = mysql_stmt_fetch(stmt)) == 0 || got == MYSQL_DATA_TRUNCATED)) {
		got = 0;
		rc = give(&w, fn, arg);
	}
	if (got == 1) {
		log_warnx("remote: %s", mysql_stmt_error(stmt));
		rc = -EIO;
	}
	mysql_stmt_close(stmt);
	return rc;
}

static void table(const void *link, enum layout_name name, char *buf, size_t size)
{
	char quoted[INSERT_TABLE_SIZE];

	snprintf(buf, size, "%s",
		 insert_table(quoted, ((const struct reading *)link)->target.table, layout(name)->suffix));
}

const struct reader mariadb_reader = {
	.stage = WIRE_STAGE_MARIADB,
	.quote = '`',
	.column = {[LAYOUT_UUID] = {"hex(", ")"},
		   [LAYOUT_BYTES] = {"hex(", ")"},
		   [LAYOUT_TEXT] = {"", ""},
		   [LAYOUT_INT] = {"", ""},
		   [LAYOUT_BIGINT] = {"", ""},
		   [LAYOUT_TIME] = {"", ""}},
	.literal = {[LAYOUT_UUID] = {"x'", "'"}, [LAYOUT_BYTES] = {"x'", "'"}},
	.make = make,
	.free = free_reading,
	.open = open_reading,
	.ask = ask,
	.walk = walk,
	.table = table,
};
