// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * link.c - see link.h. Nothing here waits longer than ANSWER_MS: a server that hangs is as good as away.
 */
#include "store/postgres/link.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/process.h"
#include "store/postgres/arrays.h"
#include "store/postgres/sql.h"
#include "store/postgres/target.h"
#include "store/postgres/tuples.h"

#define SERVER_MIN 130000
#define ANSWER_MS 90000		  /* longer than statement_timeout */
#define ARRAYS_BYTES (256 * 1024) /* time to send them */
#define COPY_ROWS 200000	  /* then another statement, for each has a time-out */
#define OID_TEXT 25u
#define OID_UUID 2950u

static const char *const names[LAYOUT__MAX] = {"window", "flow", "image", "late", "loss"};

/* Of a table that is not flows: those columns of the layout that are not constant, at its places. */
struct rows {
	struct array column[LAYOUT_COLUMNS_MAX];
	uint32_t n;
};

struct link {
	PGconn *conn;
	struct target target;
	char host_id[37], log_id[37], host[HISTORY_HOSTNAME]; /* of the batch */
	struct rows rows[LAYOUT__MAX];
	size_t rows_bytes;
	struct tuples flows;
	char *copy_sql;
	bool copying; /* the server waits for flows */
	char why[512];
};

static void close_link(void *link)
{
	struct link *l = link;

	PQfinish(l->conn);
	l->conn = NULL;
	l->copying = false;
	free(l->copy_sql);
	l->copy_sql = NULL;
}

static void *make_link(void)
{
	return calloc(1, sizeof(struct link));
}

static void free_link(void *link)
{
	struct link *l = link;
	size_t i, j;

	close_link(l);
	for (i = 0; i < LAYOUT__MAX; i++)
		for (j = 0; j < LAYOUT_COLUMNS_MAX; j++)
			array_free(&l->rows[i].column[j]);
	tuples_free(&l->flows);
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

/* What libpq says has lines. */
static int failed(struct link *l, int rc, const char *text)
{
	size_t i;

	if (text != l->why)
		snprintf(l->why, sizeof(l->why), "%s", text);
	for (i = strlen(l->why); i > 0 && (l->why[i - 1] == '\n' || l->why[i - 1] == ' '); i--)
		l->why[i - 1] = '\0';
	for (i = 0; l->why[i]; i++)
		if (l->why[i] == '\n' || l->why[i] == '\t')
			l->why[i] = ' ';
	close_link(l);
	return rc;
}

static int lost(struct link *l)
{
	return failed(l, -EAGAIN, PQerrorMessage(l->conn));
}

/* SQLSTATE classes of PostgreSQL's errcodes.txt: the connection, too many resources, somebody stopped it,
 * I/O, a transaction to be tried again. All else stays as it is. */
static bool passes(const char *state)
{
	static const char *const classes[] = {"08", "53", "57", "58", "40", "55", "XX"};
	size_t i;

	for (i = 0; i < sizeof(classes) / sizeof(classes[0]) && state; i++)
		if (strncmp(state, classes[i], 2) == 0)
			return true;
	return !state;
}

static int refused(struct link *l, const PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY), *advice = "";

	if (!text)
		text = PQresultErrorMessage(res);
	if (state && strcmp(state, "42703") == 0)
		advice = "; run `femtosnitch pg-schema` again, rows are kept until then";
	else if (state && strcmp(state, "42501") == 0)
		advice = "; the role needs femtosnitch_writer, see `femtosnitch pg-schema`";
	snprintf(l->why, sizeof(l->why), "%.300s%s%s%s%s", *text ? text : PQerrorMessage(l->conn),
		 state ? " (" : "", state ? state : "", state ? ")" : "", advice);
	return failed(l, passes(state) ? -EAGAIN : -EPERM, l->why);
}

/* ---- waiting */

static int wait_for(struct link *l, short events, int64_t until_ms)
{
	struct pollfd p = {.fd = PQsocket(l->conn), .events = events};
	int64_t left = until_ms - process_now_ms();

	if (left <= 0 || (poll(&p, 1, (int)left) < 0 && errno != EINTR))
		return failed(l, -EAGAIN, "the server does not answer");
	/* it may say why it takes no more */
	if (p.revents & ~POLLOUT && PQconsumeInput(l->conn) != 1)
		return lost(l);
	return 0;
}

/* All that was sent leaves this process. */
static int flush(struct link *l, int64_t until_ms)
{
	int rc, waiting;

	while ((waiting = PQflush(l->conn)) == 1)
		if ((rc = wait_for(l, POLLIN | POLLOUT, until_ms)) != 0)
			return rc;
	return waiting == 0 ? 0 : lost(l);
}

/* NULL behind the last of a statement. */
static int next_result(struct link *l, int64_t until_ms, PGresult **res)
{
	int rc = flush(l, until_ms);

	while (rc == 0 && PQisBusy(l->conn))
		rc = wait_for(l, POLLIN, until_ms);
	*res = rc == 0 ? PQgetResult(l->conn) : NULL;
	return rc;
}

/* The result of what was sent, with the status that it must have. Caller clears *res. */
static int take_result(struct link *l, ExecStatusType want, PGresult **res)
{
	int64_t until = process_now_ms() + ANSWER_MS;
	PGresult *end = NULL;
	int rc = next_result(l, until, res);

	if (rc == 0 && (!*res || PQresultStatus(*res) != want))
		rc = *res ? refused(l, *res) : lost(l);
	else if (rc == 0 && want != PGRES_COPY_IN)
		rc = next_result(l, until, &end);
	PQclear(end);
	return rc;
}

/* The same of what has no rows; *count: how many it put in, may be NULL. */
static int answer(struct link *l, ExecStatusType want, uint32_t *count)
{
	PGresult *res;
	int rc = take_result(l, want, &res);

	if (rc == 0 && count)
		*count = (uint32_t)strtoul(PQcmdTuples(res), NULL, 10);
	PQclear(res);
	return rc;
}

static int run(struct link *l, const char *sql)
{
	return PQsendQuery(l->conn, sql) == 1 ? answer(l, PGRES_COMMAND_OK, NULL) : lost(l);
}

/* ---- a connection */

static unsigned element(const struct layout_column *c)
{
	return c->type == LAYOUT_BYTES ? ARRAY_BYTEA : c->type == LAYOUT_TEXT ? ARRAY_TEXT : ARRAY_INT8;
}

static int prepare(struct link *l, enum layout_name name)
{
	const struct layout *layout_ = layout(name);
	char *sql = sql_insert(name, l->target.schema, l->target.table);
	Oid types[LAYOUT_COLUMNS_MAX];
	size_t i;
	int rc;

	if (!sql)
		return failed(l, -ENOMEM, "no memory");
	for (i = 0; i < layout_->n; i++) {
		const struct layout_column *c = &layout_->columns[i];

		if (i < layout_->constants)
			types[i] = c->type == LAYOUT_UUID ? OID_UUID : OID_TEXT;
		else
			types[i] = array_type(element(c));
	}
	rc = PQsendPrepare(l->conn, names[name], sql, (int)layout_->n, types) == 1
		     ? answer(l, PGRES_COMMAND_OK, NULL)
		     : lost(l);
	free(sql);
	return rc;
}

/* The comment says which layout it is: pg_catalog may be read by everybody. */
static int check_layout(struct link *l)
{
	static const char sql[] = "SELECT to_regclass($1), obj_description(to_regclass($1), 'pg_class')";
	char table[SQL_TABLE_SIZE], shown[2 * TARGET_TABLE_SIZE];
	const char *const values[] = {sql_table(table, l->target.schema, l->target.table, "")};
	PGresult *res = NULL;
	int version = 1, rc;

	snprintf(shown, sizeof(shown), "%s%s%s", l->target.schema, *l->target.schema ? "." : "",
		 l->target.table);
	rc = PQsendQueryParams(l->conn, sql, 1, NULL, values, NULL, NULL, 0) == 1
		     ? take_result(l, PGRES_TUPLES_OK, &res)
		     : lost(l);
	if (rc == 0 && PQgetisnull(res, 0, 0)) {
		snprintf(l->why, sizeof(l->why),
			 "there is no table %s; make it with `femtosnitch pg-schema`, rows are kept until "
			 "then",
			 shown);
		rc = failed(l, -EPERM, l->why);
	} else if (rc == 0) {
		(void)sscanf(PQgetvalue(res, 0, 1), SQL_COMMENT "%d", &version);
		snprintf(l->why, sizeof(l->why),
			 version < LAYOUT_VERSION
				 ? "table %s is of an older femtosnitch; run `femtosnitch pg-schema` again, "
				   "rows are kept until then"
				 : "table %s is of a newer femtosnitch (layout %d, ours is %d): update this "
				   "one, rows are kept until then",
			 shown, version, LAYOUT_VERSION);
		if (version != LAYOUT_VERSION)
			rc = failed(l, -EPERM, l->why);
	}
	PQclear(res);
	return rc;
}

static int open_link(void *link)
{
	struct link *l = link;
	const struct target *t = &l->target;
	int rc, i;

	close_link(l);
	l->conn = PQconnectdbParams((const char *const *)t->keywords, (const char *const *)t->values, 1);
	if (PQstatus(l->conn) != CONNECTION_OK)
		return lost(l);
	if (PQserverVersion(l->conn) < SERVER_MIN) {
		snprintf(l->why, sizeof(l->why), "the server is PostgreSQL %d, needed is 13 or newer",
			 PQserverVersion(l->conn) / 10000);
		return failed(l, -EPERM, l->why);
	}
	if (PQsetnonblocking(l->conn, 1) != 0)
		return lost(l);
	if ((rc = check_layout(l)) != 0)
		return rc;
	if (!(l->copy_sql = sql_copy(LAYOUT_FLOW, t->schema, t->table)))
		return failed(l, -ENOMEM, "no memory");
	for (i = 0; i < LAYOUT__MAX && rc == 0; i++)
		if (i != LAYOUT_FLOW)
			rc = prepare(l, (enum layout_name)i);
	return rc;
}

/* ---- rows */

static void empty(struct link *l, enum layout_name name)
{
	const struct layout *layout_ = layout(name);
	size_t i;

	for (i = layout_->constants; i < layout_->n; i++)
		array_begin(&l->rows[name].column[i], element(&layout_->columns[i]));
	l->rows[name].n = 0;
}

static void add(struct link *l, enum layout_name name, const struct content_value *row)
{
	const struct layout *layout_ = layout(name);
	size_t i;

	for (i = layout_->constants; i < layout_->n; i++, row++) {
		struct array *a = &l->rows[name].column[i];

		if (row->is_number)
			array_number(a, row->number);
		else if (row->text)
			array_bytes(a, row->text, row->len);
		else
			array_null(a);
		l->rows_bytes += row->len;
	}
	l->rows[name].n++;
}

static bool put(void *link, enum layout_name name, const struct content_value *row)
{
	struct link *l = link;

	if (name == LAYOUT_FLOW) {
		if (l->flows.rows == 0)
			tuples_begin(&l->flows);
		tuples_add(&l->flows, layout(LAYOUT_FLOW), row);
	} else {
		add(l, name, row);
	}
	return l->flows.len >= TUPLES_PIECE || l->rows_bytes >= ARRAYS_BYTES;
}

static int insert(struct link *l, enum layout_name name, uint32_t *inserted)
{
	const struct layout *layout_ = layout(name);
	const struct rows *rows = &l->rows[name];
	const char *values[LAYOUT_COLUMNS_MAX];
	int lengths[LAYOUT_COLUMNS_MAX], formats[LAYOUT_COLUMNS_MAX], rc;
	size_t i;

	if (rows->n == 0)
		return 0;
	for (i = 0; i < layout_->n; i++) {
		const char *column = layout_->columns[i].name;

		formats[i] = i >= layout_->constants; /* binary */
		lengths[i] = formats[i] ? (int)rows->column[i].len : 0;
		values[i] = (const char *)rows->column[i].data;
		if (!formats[i])
			values[i] = strcmp(column, "host_id") == 0  ? l->host_id
				    : strcmp(column, "log_id") == 0 ? l->log_id
								    : l->host;
		else if (rows->column[i].failed)
			return failed(l, -ENOMEM, "no memory");
	}
	if (PQsendQueryPrepared(l->conn, names[name], (int)layout_->n, values, lengths, formats, 0) != 1)
		return lost(l);
	rc = answer(l, PGRES_COMMAND_OK, inserted);
	empty(l, name);
	return rc;
}

static int end_copy(struct link *l)
{
	int sent;

	if (!l->copying)
		return 0;
	l->copying = false;
	while ((sent = PQputCopyEnd(l->conn, NULL)) == 0) {
		int rc = wait_for(l, POLLIN | POLLOUT, process_now_ms() + ANSWER_MS);

		if (rc != 0)
			return rc;
	}
	return sent == 1 ? answer(l, PGRES_COMMAND_OK, NULL) : lost(l);
}

/* The piece of flows that there is; last: no more come in this statement. */
static int send_flows(struct link *l, bool last)
{
	int sent, rc;

	if (l->flows.rows == 0)
		return 0;
	last |= l->flows.rows >= COPY_ROWS;
	if (last)
		tuples_end(&l->flows);
	if (l->flows.failed)
		return failed(l, -ENOMEM, "no memory");
	if (!l->copying) {
		if (PQsendQuery(l->conn, l->copy_sql) != 1)
			return lost(l);
		if ((rc = answer(l, PGRES_COPY_IN, NULL)) != 0)
			return rc;
		l->copying = true;
	}
	while ((sent = PQputCopyData(l->conn, l->flows.data, (int)l->flows.len)) == 0)
		if ((rc = wait_for(l, POLLIN | POLLOUT, process_now_ms() + ANSWER_MS)) != 0)
			return rc;
	if (sent != 1)
		return lost(l);
	l->flows.len = 0;
	if ((rc = flush(l, process_now_ms() + ANSWER_MS)) != 0 || !last)
		return rc;
	l->flows.rows = 0;
	return end_copy(l);
}

/* ---- a transaction */

static void uuid(char text[37], const unsigned char id[CONTENT_ID])
{
	int i;

	for (i = 0; i < CONTENT_ID; i++)
		text += sprintf(text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", id[i]);
}

static int begin(void *link, const struct history_run *log)
{
	struct link *l = link;
	int i;

	uuid(l->host_id, log->host);
	uuid(l->log_id, log->log);
	snprintf(l->host, sizeof(l->host), "%s", log->hostname);
	tuples_log(&l->flows, layout(LAYOUT_FLOW), log->host, log->log, l->host);
	l->flows.rows = 0;
	l->flows.len = 0;
	l->rows_bytes = 0;
	for (i = 0; i < LAYOUT__MAX; i++)
		if (i != LAYOUT_FLOW)
			empty(l, (enum layout_name)i);
	return run(l, "BEGIN");
}

static int windows(void *link, uint32_t *inserted)
{
	struct link *l = link;

	l->rows_bytes = 0;
	*inserted = 0;
	return insert(l, LAYOUT_WINDOW, inserted);
}

static int send_arrays(struct link *l)
{
	int rc = 0, i;

	l->rows_bytes = 0;
	for (i = LAYOUT_IMAGE; i < LAYOUT__MAX && rc == 0; i++)
		rc = insert(l, (enum layout_name)i, NULL);
	return rc;
}

static int send_rows(void *link)
{
	struct link *l = link;
	bool arrays = l->rows_bytes >= ARRAYS_BYTES;
	int rc = send_flows(l, arrays);

	return rc != 0 || !arrays ? rc : send_arrays(l);
}

static int commit(void *link)
{
	struct link *l = link;
	int rc;

	if ((rc = send_flows(l, true)) != 0 || (rc = send_arrays(l)) != 0)
		return rc;
	return run(l, "COMMIT");
}

static int rollback(void *link)
{
	return run(link, "ROLLBACK");
}

const struct driver postgres_driver = {
	.stage = WIRE_STAGE_POSTGRES,
	.server = "PostgreSQL",
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
