// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * link.c - see link.h. Nothing here waits longer than ANSWER_S: a server that hangs is as good as away.
 */
#include "store/mariadb/link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/mariadb/connection.h"
#include "store/mariadb/insert.h"

#define ANSWER_S 90
#define BYTES (256 * 1024) /* of all statements together: time to send them; servers take 1 MB and more */

/* Of the servers' error lists (mysqld_error.h) */
enum {
	DISK_FULL = 1021,
	TOO_MANY_CONNECTIONS = 1040,
	SHUTS_DOWN = 1053,
	UNKNOWN_COLUMN = 1054,
	TABLE_FULL = 1114,
	HOST_BLOCKED = 1129,
	NO_RIGHT_TABLE = 1142,
	NO_TABLE = 1146,
	TOO_MANY_OF_USER = 1203,
	LOCK_TIMEOUT = 1205,
	DEADLOCK = 1213,
	LIMIT = 1226,
	READ_ONLY_OPTION = 1290,
	INTERRUPTED = 1317,
	READ_ONLY_MODE = 1836,
	KILLED = 1927,
	CLIENT_FIRST = 2000, /* the connection's own */
	CLIENT_LAST = 2999,
};

struct link {
	MYSQL *conn;
	struct target target;
	struct history_run log; /* of the batch */
	struct insert rows[LAYOUT__MAX];
	char why[512];
};

static void close_link(void *link)
{
	struct link *l = link;

	if (l->conn)
		mysql_close(l->conn);
	l->conn = NULL;
}

static void *make_link(void)
{
	return calloc(1, sizeof(struct link));
}

static void free_link(void *link)
{
	struct link *l = link;
	size_t i;

	close_link(l);
	for (i = 0; i < LAYOUT__MAX; i++)
		insert_free(&l->rows[i]);
	target_free(&l->target);
	free(l);
}

static bool link_is_open(const void *link)
{
	return ((const struct link *)link)->conn != NULL;
}

static const char *link_why(const void *link)
{
	return ((const struct link *)link)->why;
}

static int aim(void *link, const char *json)
{
	struct link *l = link;
	int rc;

	target_free(&l->target);
	rc = target_parse(&l->target, json);
	snprintf(l->why, sizeof(l->why), "%s", l->target.why);
	return rc;
}

/* ---- what goes wrong */

static int failed(struct link *l, int rc)
{
	char *c;

	for (c = l->why; *c; c++)
		if (*c == '\n' || *c == '\t')
			*c = ' ';
	close_link(l);
	return rc;
}

static bool passes(unsigned error)
{
	static const unsigned known[] = {DISK_FULL,    TOO_MANY_CONNECTIONS, SHUTS_DOWN,       TABLE_FULL,
					 HOST_BLOCKED, LOCK_TIMEOUT,	     TOO_MANY_OF_USER, DEADLOCK,
					 LIMIT,	       READ_ONLY_OPTION,     INTERRUPTED,      READ_ONLY_MODE,
					 KILLED};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (error == known[i])
			return true;
	return error >= CLIENT_FIRST && error <= CLIENT_LAST;
}

static int refused(struct link *l)
{
	unsigned error = mysql_errno(l->conn);
	const char *advice = "";

	if (error == NO_TABLE)
		advice = "; make the tables with `femtosnitch mysql-schema`, rows are kept until then";
	else if (error == UNKNOWN_COLUMN)
		advice = "; run `femtosnitch mysql-schema` again, rows are kept until then";
	else if (error == NO_RIGHT_TABLE)
		advice = "; the user needs the right to INSERT, see `femtosnitch mysql-schema`";
	snprintf(l->why, sizeof(l->why), "%.300s (%u)%s", mysql_error(l->conn), error, advice);
	return failed(l, passes(error) ? -EAGAIN : -EPERM);
}

static int no_memory(struct link *l)
{
	snprintf(l->why, sizeof(l->why), "no memory");
	return failed(l, -ENOMEM);
}

static int run(struct link *l, const char *sql, size_t len)
{
	return mysql_real_query(l->conn, sql, len) == 0 ? 0 : refused(l);
}

#define RUN(l, sql) run(l, sql, sizeof(sql) - 1)

/* ---- a connection */

/* 1: there is a row, its first column in text ("" = NULL); 0: none; -errno. */
static int ask(struct link *l, const char *sql, char *text, size_t size)
{
	MYSQL_RES *res;
	MYSQL_ROW row;
	int rc = run(l, sql, strlen(sql));

	if (rc != 0)
		return rc;
	if (!(res = mysql_store_result(l->conn)))
		return refused(l);
	row = mysql_fetch_row(res);
	snprintf(text, size, "%s", row && row[0] ? row[0] : "");
	rc = row != NULL;
	mysql_free_result(res);
	return rc;
}

/* The comment says which layout it is: whoever may INSERT can see it. */
static int check_layout(struct link *l)
{
	char sql[512], comment[256];
	const char *table = l->target.table;
	int version = 0, rc;

	snprintf(sql, sizeof(sql),
		 "SELECT table_comment FROM information_schema.tables WHERE table_schema = DATABASE() AND"
		 " table_name = '%s'",
		 table);
	if ((rc = ask(l, sql, comment, sizeof(comment))) < 0)
		return rc;
	(void)sscanf(comment, LINK_COMMENT "%d", &version);
	if (rc == 1 && version == LAYOUT_VERSION)
		return 0;
	if (rc == 0)
		snprintf(l->why, sizeof(l->why),
			 "there is no table %s, or no right to INSERT into it; make it with `femtosnitch "
			 "mysql-schema`, rows are kept until then",
			 table);
	else
		snprintf(l->why, sizeof(l->why),
			 "table %s is not of this femtosnitch (layout %d, ours is %d); see `femtosnitch "
			 "mysql-schema`,"
			 " rows are kept until then",
			 table, version, LAYOUT_VERSION);
	return failed(l, -EPERM);
}

static int open_link(void *link)
{
	struct link *l = link;

	close_link(l);
	if (!connection_open(&l->conn, &l->target, ANSWER_S))
		return l->conn ? refused(l) : no_memory(l);
	if (RUN(l, "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', autocommit = 1") != 0)
		return -EPERM;
	return check_layout(l);
}

/* ---- rows */

static bool put(void *link, enum layout_name name, const struct content_value *row)
{
	struct link *l = link;
	size_t bytes = 0;
	int i;

	insert_row(&l->rows[name], row);
	for (i = 0; i < LAYOUT__MAX; i++)
		bytes += l->rows[i].rows ? l->rows[i].len : 0;
	return bytes >= BYTES;
}

/* What is there already is passed over, with a warning each; any other warning is a value that was changed.
 */
static int check_warnings(struct link *l, const struct insert *in, uint32_t inserted)
{
	if (mysql_warning_count(l->conn) == in->rows - inserted)
		return 0;
	snprintf(l->why, sizeof(l->why),
		 "table %s%s does not take the values as they are; run `femtosnitch mysql-schema` again, "
		 "rows are kept "
		 "until then",
		 l->target.table, layout(in->name)->suffix);
	return failed(l, -EPERM);
}

static int send_insert(struct link *l, enum layout_name name, uint32_t *inserted)
{
	struct insert *in = &l->rows[name];
	int rc;

	*inserted = 0;
	if (in->rows == 0)
		return 0;
	if (in->failed)
		return no_memory(l);
	if ((rc = run(l, in->text, in->len)) != 0)
		return rc;
	*inserted = (uint32_t)mysql_affected_rows(l->conn);
	if ((rc = check_warnings(l, in, *inserted)) != 0)
		return rc;
	insert_begin(in, name, l->target.table, &l->log);
	return 0;
}

/* ---- a transaction */

static int begin(void *link, const struct history_run *log)
{
	struct link *l = link;
	int i;

	l->log = *log;
	for (i = 0; i < LAYOUT__MAX; i++)
		insert_begin(&l->rows[i], (enum layout_name)i, l->target.table, &l->log);
	return RUN(l, "START TRANSACTION");
}

static int windows(void *link, uint32_t *inserted)
{
	return send_insert(link, LAYOUT_WINDOW, inserted);
}

static int send_rows(void *link)
{
	struct link *l = link;
	uint32_t inserted;
	int rc = 0, i;

	for (i = 0; i < LAYOUT__MAX && rc == 0; i++)
		if (i != LAYOUT_WINDOW)
			rc = send_insert(l, (enum layout_name)i, &inserted);
	return rc;
}

static int commit(void *link)
{
	struct link *l = link;
	int rc = send_rows(l);

	return rc != 0 ? rc : RUN(l, "COMMIT");
}

static int rollback(void *link)
{
	struct link *l = link;

	return RUN(l, "ROLLBACK");
}

const struct driver mariadb_driver = {
	.stage = WIRE_STAGE_MARIADB,
	.server = "MariaDB",
	.make = make_link,
	.free = free_link,
	.aim = aim,
	.open = open_link,
	.begin = begin,
	.windows = windows,
	.send = send_rows,
	.commit = commit,
	.rollback = rollback,
	.put = put,
	.close = close_link,
	.is_open = link_is_open,
	.why = link_why,
};
