/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query.h - the named questions: each a row of one table, with its SELECT. Every SELECT of view is in
 * query.c; what is not public there (tables beside the views) follows store/schema.h.
 */
#ifndef FEMTOSNITCH_VIEW_QUERY_H
#define FEMTOSNITCH_VIEW_QUERY_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUERY_FOREVER INT64_MAX

enum query_argument {
	QUERY_NO_ARGUMENT,
	QUERY_PROGRAM, /* absolute path, or name */
	QUERY_ADDRESS, /* address or network */
	QUERY_DOMAIN,  /* this name and all below it */
	QUERY_SQL
};

struct question {
	const char *name;
	const char *usage; /* of its argument, "" = none */
	const char *help;  /* one line */
	enum query_argument argument;
	bool times;	 /* --since and --until mean something */
	bool limited;	 /* --limit means something; default QUERY_LIMIT */
	int64_t since;	 /* default: so many seconds back, 0 = all of the log */
	const char *sql; /* NULL: the argument is the statement */
};

#define QUERY_LIMIT 20

extern const struct question query_questions[]; /* ends with a name of NULL */

/* What a person asked. Times are unix seconds; the log is asked for [from, to). */
struct query {
	const struct question *question;
	const char *argument; /* as typed; NULL = none */
	int64_t from;
	int64_t to;    /* QUERY_FOREVER: no end */
	int64_t limit; /* rows, 0 = all */
};

const struct question *query_find(const char *name); /* NULL: no such question */
bool query_is_sql(const char *text);		     /* begins as a statement */

/* NULL, or what is wrong with the argument of this question. */
const char *query_check(const struct query *);

/* Give stmt the values it names. 0, or -ENOMEM. */
int query_bind(const struct query *, sqlite3_stmt *stmt);

/* Why an answer may be empty. Each SELECT names the values it wants as the questions do. */
extern const char query_first_time[]; /* contime of the first row of the log */
extern const char query_last_time[];  /* contime of the last */
extern const char query_started[];    /* when the daemon that wrote this was started */

/* Of what the argument names: when it was last in the log; NULL for questions without a name. */
const char *query_last_match(const struct question *);

/* A number if what the argument names is known without traffic of its own; NULL where that cannot be. */
const char *query_known(const struct question *);

/* Names like it that are in the log, at most five. */
const char *query_near(const struct question *);

#endif
