// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * link.c - see link.h. Needs libpq 14 for pipelines. A parameter's format is 1 (binary) for arrays and 0
 * (text) for what is constant.
 */
#include "store/postgres/link.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SERVER_MIN 130000
#define ANSWER_MS 90000 /* longer than statement_timeout */
#define OID_TEXT 25u
#define OID_UUID 2950u

static const char *const names[LAYOUT__MAX] = {"image", "late", "flow", "window"};

struct link {
	PGconn *conn;
	unsigned sent[LAYOUT__MAX], n_sent; /* statements of the batch on its way */
	char table[TARGET_TABLE_SIZE];
	char why[512];
};

struct link *link_new(void)
{
	return calloc(1, sizeof(struct link));
}

void link_close(struct link *l)
{
	PQfinish(l->conn);
	l->conn = NULL;
	l->n_sent = 0;
}

void link_free(struct link *l)
{
	if (!l)
		return;
	link_close(l);
	free(l);
}

bool link_is_open(const struct link *l)
{
	return l->conn != NULL;
}

const char *link_why(const struct link *l)
{
	return l->why;
}

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
	link_close(l);
	return rc;
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
	if (state && strcmp(state, "42P01") == 0)
		advice = "; make the tables with `femtosnitch pg-schema`, rows are kept until then";
	else if (state && strcmp(state, "42703") == 0)
		advice = "; run `femtosnitch pg-schema` again, rows are kept until then";
	else if (state && strcmp(state, "42501") == 0)
		advice = "; the role needs femtosnitch_writer, see `femtosnitch pg-schema`";
	snprintf(l->why, sizeof(l->why), "%.300s%s%s%s%s", *text ? text : PQerrorMessage(l->conn),
		 state ? " (" : "", state ? state : "", state ? ")" : "", advice);
	return failed(l, passes(state) ? -EAGAIN : -EPERM, l->why);
}

static unsigned element(const struct layout_column *c)
{
	if (strcmp(c->type, "bytea") == 0)
		return ARRAY_BYTEA;
	return strcmp(c->type, "text") == 0 ? ARRAY_TEXT : ARRAY_INT8;
}

static int prepare(struct link *l, enum layout_name name, const struct target *t)
{
	const struct layout *layout_ = layout(name);
	char *sql = layout_insert(name, t->schema, t->table);
	Oid types[LAYOUT_COLUMNS_MAX];
	PGresult *res;
	size_t i;
	int rc = 0;

	if (!sql)
		return failed(l, -ENOMEM, "no memory");
	for (i = 0; i < layout_->n; i++) {
		const struct layout_column *c = &layout_->columns[i];

		if (c->constant)
			types[i] = strcmp(c->type, "uuid") == 0 ? OID_UUID : OID_TEXT;
		else
			types[i] = array_type(element(c));
	}
	res = PQprepare(l->conn, names[name], sql, (int)layout_->n, types);
	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		rc = refused(l, res);
	PQclear(res);
	free(sql);
	return rc;
}

int link_open(struct link *l, const struct target *t)
{
	int i, rc = 0;

	link_close(l);
	l->conn = PQconnectdbParams((const char *const *)t->keywords, (const char *const *)t->values, 1);
	if (PQstatus(l->conn) != CONNECTION_OK)
		return failed(l, -EAGAIN, PQerrorMessage(l->conn));
	if (PQserverVersion(l->conn) < SERVER_MIN) {
		snprintf(l->why, sizeof(l->why), "the server is PostgreSQL %d, needed is 13 or newer",
			 PQserverVersion(l->conn) / 10000);
		return failed(l, -EPERM, l->why);
	}
	for (i = 0; i < LAYOUT__MAX && rc == 0; i++)
		rc = prepare(l, (enum layout_name)i, t);
	if (rc == 0 && PQenterPipelineMode(l->conn) != 1)
		rc = failed(l, -EAGAIN, PQerrorMessage(l->conn));
	return rc;
}

static int send_rows(struct link *l, enum layout_name name, const struct link_batch *b)
{
	const struct layout *layout_ = layout(name);
	const struct link_rows *rows = &b->rows[name];
	const char *values[LAYOUT_COLUMNS_MAX];
	int lengths[LAYOUT_COLUMNS_MAX], formats[LAYOUT_COLUMNS_MAX];
	size_t i;

	for (i = 0; i < layout_->n; i++) {
		const struct layout_column *c = &layout_->columns[i];

		formats[i] = !c->constant;
		lengths[i] = c->constant ? 0 : (int)rows->column[i].len;
		values[i] = (const char *)rows->column[i].data;
		if (c->constant)
			values[i] = strcmp(c->name, "host_id") == 0  ? b->host_id
				    : strcmp(c->name, "log_id") == 0 ? b->log_id
								     : b->host;
		else if (rows->column[i].failed || rows->column[i].n != rows->n)
			return failed(l, -ENOMEM, "no memory");
	}
	if (PQsendQueryPrepared(l->conn, names[name], (int)layout_->n, values, lengths, formats, 0) != 1)
		return failed(l, -EAGAIN, PQerrorMessage(l->conn));
	l->sent[l->n_sent++] = name;
	return 0;
}

int link_send(struct link *l, const struct link_batch *b)
{
	int i, rc = 0;

	l->n_sent = 0;
	for (i = 0; i < LAYOUT__MAX && rc == 0; i++)
		if (b->rows[i].n > 0)
			rc = send_rows(l, (enum layout_name)i, b);
	if (rc == 0 && PQpipelineSync(l->conn) != 1)
		rc = failed(l, -EAGAIN, PQerrorMessage(l->conn));
	return rc;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The next result, NULL at the end of one statement's; -EAGAIN when there is no answer in time. */
static int next_result(struct link *l, int64_t until_ms, PGresult **res)
{
	struct pollfd p = {.fd = PQsocket(l->conn), .events = POLLIN};
	int64_t left;

	*res = NULL;
	while (PQisBusy(l->conn)) {
		left = until_ms - now_ms();
		if (left <= 0 || (poll(&p, 1, (int)left) < 0 && errno != EINTR))
			return failed(l, -EAGAIN, "the server does not answer");
		if (p.revents && PQconsumeInput(l->conn) != 1)
			return failed(l, -EAGAIN, PQerrorMessage(l->conn));
	}
	*res = PQgetResult(l->conn);
	return 0;
}

static int take_result(struct link *l, int64_t until_ms, uint32_t *inserted)
{
	PGresult *res;
	int rc = next_result(l, until_ms, &res);

	if (rc != 0)
		return rc;
	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		rc = refused(l, res);
	else
		*inserted = (uint32_t)strtoul(PQcmdTuples(res), NULL, 10);
	PQclear(res);
	if (rc == 0 && (rc = next_result(l, until_ms, &res)) == 0)
		PQclear(res); /* the NULL behind it */
	return rc;
}

int link_finish(struct link *l, uint32_t inserted[LAYOUT__MAX])
{
	int64_t until = now_ms() + ANSWER_MS;
	PGresult *res;
	unsigned i;
	int rc = 0;

	memset(inserted, 0, LAYOUT__MAX * sizeof(*inserted));
	for (i = 0; i < l->n_sent && rc == 0; i++)
		rc = take_result(l, until, &inserted[l->sent[i]]);
	if (rc != 0 || (rc = next_result(l, until, &res)) != 0)
		return rc;
	if (PQresultStatus(res) != PGRES_PIPELINE_SYNC)
		rc = refused(l, res); /* the commit itself failed */
	PQclear(res);
	l->n_sent = 0;
	return rc;
}
