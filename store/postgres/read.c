// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * read.c - see read.h.
 */
#include "store/postgres/read.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/log.h"
#include "store/postgres/sql.h"
#include "store/postgres/target.h"

#define ROWS_AT_ONCE 500 /* of a walk */

/* A number's digits, for SQL. */
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

struct reading {
	PGconn *conn;
	struct target target;
};

static void *make(void)
{
	return calloc(1, sizeof(struct reading));
}

static void free_reading(void *link)
{
	struct reading *r = link;

	PQfinish(r->conn);
	target_free(&r->target);
	free(r);
}

/* NULL after a message. */
static PGresult *run(struct reading *r, const char *sql)
{
	PGresult *res = PQexec(r->conn, sql);

	if (PQresultStatus(res) == PGRES_TUPLES_OK || PQresultStatus(res) == PGRES_COMMAND_OK)
		return res;
	log_warnx("remote: %s", PQresultErrorMessage(res));
	PQclear(res);
	return NULL;
}

static int do_it(struct reading *r, const char *sql)
{
	PGresult *res = run(r, sql);

	PQclear(res);
	return res ? 0 : -EIO;
}

static int aim(struct reading *r, const char *where, const char *table)
{
	struct target *t = &r->target;
	int rc = *where == '{' ? target_parse(t, where) : target_conninfo(t, where);

	if (rc == 0 && table && !target_set_table(t, table)) {
		snprintf(t->why, sizeof(t->why), "--table: not a name");
		rc = -EINVAL;
	}
	if (t->why[0])
		log_warnx("remote: %s", t->why);
	return rc == 0 ? 0 : -EIO;
}

/* Where the snapshot begins is before the local log is opened: that knows all there is here. */
static int open_reading(void *link, const char *where, const char *table)
{
	struct reading *r = link;
	int rc = aim(r, where, table);

	if (rc != 0)
		return rc;
	r->conn = PQconnectdbParams((const char *const *)r->target.keywords,
				    (const char *const *)r->target.values, 1);
	if (PQstatus(r->conn) != CONNECTION_OK) {
		log_warnx("remote: %s", PQerrorMessage(r->conn));
		return -EIO;
	}
	if ((rc = do_it(r, "SET statement_timeout = 0")) != 0 || /* a large copy takes its time */
	    (rc = do_it(r, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")) != 0)
		return rc;
	return do_it(r, "SELECT 1");
}

/* Clears res. 0, or what fn returned. */
static int give(PGresult *res, reader_row_fn *fn, void *arg)
{
	struct content_value v[LAYOUT_COLUMNS_MAX];
	int rows = PQntuples(res), columns = PQnfields(res), i, j, rc = 0;

	for (i = 0; i < rows && rc == 0; i++) {
		for (j = 0; j < columns && j < LAYOUT_COLUMNS_MAX; j++)
			v[j] = (struct content_value){
				.text = PQgetisnull(res, i, j) ? NULL : PQgetvalue(res, i, j),
				.len = (size_t)PQgetlength(res, i, j),
			};
		rc = fn(arg, v);
	}
	PQclear(res);
	return rc;
}

static int ask(void *link, const char *sql, reader_row_fn *fn, void *arg)
{
	PGresult *res = run(link, sql);

	return res ? give(res, fn, arg) : -EIO;
}

static int walk(void *link, const char *sql, reader_row_fn *fn, void *arg)
{
	struct reading *r = link;
	char declare[8192];
	PGresult *res;
	int n, rc;

	if (snprintf(declare, sizeof(declare), "DECLARE walk NO SCROLL CURSOR FOR %s", sql) >=
	    (int)sizeof(declare))
		return -EIO;
	if ((rc = do_it(r, declare)) != 0)
		return rc;
	do {
		if (!(res = run(r, "FETCH " TEXT(ROWS_AT_ONCE) " FROM walk")))
			return -EIO;
		n = PQntuples(res);
		rc = give(res, fn, arg);
	} while (n > 0 && rc == 0);
	return rc != 0 ? rc : do_it(r, "CLOSE walk");
}

static void table(const void *link, enum layout_name name, char *buf, size_t size)
{
	const struct target *t = &((const struct reading *)link)->target;
	char quoted[SQL_TABLE_SIZE];

	snprintf(buf, size, "%s", sql_table(quoted, t->schema, t->table, layout(name)->suffix));
}

_Static_assert(SQL_TABLE_SIZE <= READER_TABLE_SIZE, "name of a table");

const struct reader postgres_reader = {
	.stage = WIRE_STAGE_POSTGRES,
	.quote = '"',
	.column = {[LAYOUT_UUID] = {"replace(", "::text, '-', '')"},
		   [LAYOUT_BYTES] = {"encode(", ", 'hex')"},
		   [LAYOUT_TEXT] = {"", ""},
		   [LAYOUT_INT] = {"", ""},
		   [LAYOUT_BIGINT] = {"", ""},
		   [LAYOUT_TIME] = {"extract(epoch FROM ", ")::bigint"}},
	.literal = {[LAYOUT_UUID] = {"'", "'::uuid"}, [LAYOUT_BYTES] = {"decode('", "', 'hex')"}},
	.make = make,
	.free = free_reading,
	.open = open_reading,
	.ask = ask,
	.walk = walk,
	.table = table,
};
