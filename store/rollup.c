// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rollup.c - see rollup.h.
 */
#include "store/rollup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 32

struct rollup {
	struct rollup_item *item;
	size_t size, count;
};

#define ADD_PEERS(table)                                                                                     \
	"INSERT INTO " table "(bucket, program, raddr, rport, protocol, direction, domain, send, recv,"      \
	" connections) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO UPDATE SET"            \
	" send = send + ?8, recv = recv + ?9, connections = connections + ?10"
#define ADD_TOTAL(table)                                                                                     \
	"INSERT INTO " table "(bucket, program, send, recv, connections) VALUES(?1, ?2, ?8, ?9, ?10)"        \
	" ON CONFLICT DO UPDATE SET send = send + ?8, recv = recv + ?9, connections = connections + ?10"

static const struct {
	int64_t width_s;
	const char *peers;
	const char *total;
} tables[] = {
	{ROLLUP_5MIN_S, ADD_PEERS("sum_5min"), ADD_TOTAL("total_5min")},
	{3600, ADD_PEERS("sum_hour"), ADD_TOTAL("total_hour")},
	{86400, ADD_PEERS("sum_day"), ADD_TOTAL("total_day")},
};

struct rollup *rollup_new(void)
{
	return calloc(1, sizeof(struct rollup));
}

void rollup_clear(struct rollup *r)
{
	free(r->item);
	memset(r, 0, sizeof(*r));
}

void rollup_free(struct rollup *r)
{
	if (!r)
		return;
	rollup_clear(r);
	free(r);
}

int rollup_add(struct rollup *r, const struct rollup_item *item)
{
	size_t size = r->size ? r->size * 2 : FIRST_SIZE;
	struct rollup_item *bigger;

	if (r->count == r->size) {
		bigger = realloc(r->item, size * sizeof(*bigger));
		if (!bigger)
			return -ENOMEM;
		r->item = bigger;
		r->size = size;
	}
	r->item[r->count] = *item;
	r->item[r->count++].time_s -= item->time_s % ROLLUP_5MIN_S;
	return 0;
}

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

/* The order of the primary keys. */
static int compare(const void *left, const void *right)
{
	const struct rollup_item *a = left, *b = right;
	int c;

	if ((c = ORDER(a->time_s, b->time_s)) || (c = ORDER(a->program, b->program)) ||
	    (c = ORDER(a->raddr, b->raddr)) || (c = ORDER(a->rport, b->rport)) ||
	    (c = ORDER(a->protocol, b->protocol)) || (c = ORDER(a->direction, b->direction)))
		return c;
	return ORDER(a->domain, b->domain);
}

static void add_sums(struct rollup_item *to, const struct rollup_item *from)
{
	to->send += from->send;
	to->recv += from->recv;
	to->connections += from->connections;
}

static void merge(struct rollup *r)
{
	size_t i, kept = 0;

	if (r->count == 0)
		return;
	qsort(r->item, r->count, sizeof(*r->item), compare);
	for (i = 1; i < r->count; i++)
		if (compare(&r->item[kept], &r->item[i]) == 0)
			add_sums(&r->item[kept], &r->item[i]);
		else
			r->item[++kept] = r->item[i];
	r->count = kept + 1;
}

static int write_item(struct sqlite *s, sqlite3_stmt *stmt, int64_t width_s, const struct rollup_item *i)
{
	sqlite3_bind_int64(stmt, 1, i->time_s - i->time_s % width_s);
	sqlite3_bind_int64(stmt, 2, i->program);
	sqlite3_bind_int64(stmt, 3, i->raddr);
	sqlite3_bind_int(stmt, 4, i->rport);
	sqlite3_bind_int(stmt, 5, i->protocol);
	sqlite3_bind_int(stmt, 6, i->direction);
	sqlite3_bind_int64(stmt, 7, i->domain);
	sqlite3_bind_int64(stmt, 8, i->send);
	sqlite3_bind_int64(stmt, 9, i->recv);
	sqlite3_bind_int64(stmt, 10, i->connections);
	return sqlite_run(s, stmt);
}

static int write_total(struct sqlite *s, sqlite3_stmt *stmt, int64_t width_s, const struct rollup_item *i)
{
	sqlite3_bind_int64(stmt, 1, i->time_s - i->time_s % width_s);
	sqlite3_bind_int64(stmt, 2, i->program);
	sqlite3_bind_int64(stmt, 8, i->send);
	sqlite3_bind_int64(stmt, 9, i->recv);
	sqlite3_bind_int64(stmt, 10, i->connections);
	return sqlite_run(s, stmt);
}

/* Items in order of (bucket, program): each run of one program becomes one total. */
static int write_totals(struct rollup *r, struct sqlite *s, sqlite3_stmt *stmt, int64_t width_s)
{
	struct rollup_item sum;
	size_t i = 0;
	int rc = 0;

	while (i < r->count && rc == 0) {
		sum = r->item[i++];
		for (; i < r->count && r->item[i].time_s == sum.time_s && r->item[i].program == sum.program;
		     i++)
			add_sums(&sum, &r->item[i]);
		rc = write_total(s, stmt, width_s, &sum);
	}
	return rc;
}

int rollup_write(struct rollup *r, struct sqlite *s)
{
	size_t t, i;
	sqlite3_stmt *stmt;
	int rc = 0;

	merge(r);
	for (t = 0; t < sizeof(tables) / sizeof(tables[0]) && rc == 0; t++) {
		stmt = sqlite_statement(s, tables[t].peers);
		for (i = 0; i < r->count && rc == 0; i++)
			rc = write_item(s, stmt, tables[t].width_s, &r->item[i]);
		if (rc == 0)
			rc = write_totals(r, s, sqlite_statement(s, tables[t].total), tables[t].width_s);
	}
	r->count = 0;
	return rc;
}
