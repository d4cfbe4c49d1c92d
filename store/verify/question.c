// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * question.c - see question.h. Values stand in the SQL as digits: there is nothing to be quoted.
 */
#include "store/verify/question.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/log.h"

#define SQL_SIZE 8192

struct text {
	char sql[SQL_SIZE];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->len += (size_t)vsnprintf(t->sql + t->len, sizeof(t->sql) - t->len, fmt, ap);
	va_end(ap);
	if (t->len >= sizeof(t->sql))
		fatalx("a question that is too long");
}

static void add_table(struct text *t, const struct question *q, enum layout_name name)
{
	char table[READER_TABLE_SIZE];

	q->reader->table(q->link, name, table, sizeof(table));
	add(t, "%s", table);
}

static void add_bytes(struct text *t, const struct question *q, enum layout_type type,
		      const unsigned char *bytes, size_t n)
{
	size_t i;

	add(t, "%s", q->reader->literal[type].before);
	for (i = 0; i < n; i++)
		add(t, "%02x", bytes[i]);
	add(t, "%s", q->reader->literal[type].behind);
}

static void add_host(struct text *t, const struct question *q)
{
	add(t, "host_id = ");
	add_bytes(t, q, LAYOUT_UUID, q->host, sizeof(q->host));
}

static size_t first_column(enum layout_name name)
{
	return name == LAYOUT_WINDOW ? 0 : layout(name)->constants;
}

static void add_columns(struct text *t, const struct question *q, enum layout_name name)
{
	const struct layout *l = layout(name);
	char quote = q->reader->quote;
	size_t i;

	for (i = first_column(name); i < l->n; i++) {
		const struct reader_form *form = &q->reader->column[l->columns[i].type];

		add(t, "%s%s%c%s%c%s", i > first_column(name) ? ", " : "", form->before, quote,
		    l->columns[i].name, quote, form->behind);
	}
}

/* ---- what comes back */

struct answer {
	enum layout_name name;
	question_row_fn *fn;
	void *arg;
};

/* What is too short is zero behind. */
static void from_hex(char *to, size_t size, const struct content_value *v)
{
	unsigned value;
	size_t i;

	memset(to, 0, size);
	for (i = 0; i < size && 2 * i + 1 < v->len && sscanf(v->text + 2 * i, "%2x", &value) == 1; i++)
		to[i] = (char)value;
}

static int take(void *arg, const struct content_value *row)
{
	const struct answer *a = arg;
	const struct layout *l = layout(a->name);
	struct content_value v[LAYOUT_COLUMNS_MAX];
	char raw[LAYOUT_COLUMNS_MAX][CONTENT_HASH];
	size_t i, first = first_column(a->name);

	for (i = 0; i + first < l->n; i++) {
		enum layout_type type = l->columns[i + first].type;

		v[i] = row[i];
		if (!v[i].text || type == LAYOUT_TEXT)
			continue;
		if (type == LAYOUT_UUID || type == LAYOUT_BYTES) {
			from_hex(raw[i], sizeof(raw[i]), &row[i]);
			v[i].text = raw[i];
			v[i].len = type == LAYOUT_UUID ? CONTENT_ID : CONTENT_HASH;
		} else {
			v[i].number = strtoll(row[i].text, NULL, 10);
			v[i].is_number = true;
			v[i].text = NULL;
		}
	}
	return a->fn(a->arg, v);
}

/* One row of numbers */
static int take_numbers(void *arg, const struct content_value *row)
{
	int64_t *n = *(int64_t **)arg;

	for (; *n >= 0; n++, row++)
		*n = row->text ? strtoll(row->text, NULL, 10) : 0;
	return 0;
}

/* n: zeros, behind them a negative one. */
static int ask_numbers(const struct question *q, const struct text *t, int64_t *n)
{
	return q->reader->ask(q->link, t->sql, take_numbers, &n);
}

/* ---- questions */

int question_rows(const struct question *q, enum layout_name name, const struct question_part *part,
		  question_row_fn *fn, void *arg)
{
	struct answer a = {.name = name, .fn = fn, .arg = arg};
	struct text t = {.len = 0};

	add(&t, "SELECT ");
	add_columns(&t, q, name);
	add(&t, " FROM ");
	add_table(&t, q, name);
	add(&t, " WHERE ");
	add_host(&t, q);
	if (part->log) {
		add(&t, " AND seq > %" PRId64 " AND seq <= %" PRId64 " AND log_id = ", part->behind,
		    part->last);
		add_bytes(&t, q, LAYOUT_UUID, part->log, CONTENT_ID);
	}
	if (part->image) {
		add(&t, " AND image = ");
		add_bytes(&t, q, LAYOUT_BYTES, part->image, CONTENT_HASH);
	}
	if (part->order)
		add(&t, " ORDER BY %s", part->order);
	if (part->limit)
		add(&t, " LIMIT %u", part->limit);
	return q->reader->ask(q->link, t.sql, take, &a);
}

int question_windows(const struct question *q, question_row_fn *fn, void *arg)
{
	struct answer a = {.name = LAYOUT_WINDOW, .fn = fn, .arg = arg};
	struct text t = {.len = 0};

	add(&t, "SELECT ");
	add_columns(&t, q, LAYOUT_WINDOW);
	add(&t, " FROM ");
	add_table(&t, q, LAYOUT_WINDOW);
	add(&t, " WHERE ");
	add_host(&t, q);
	add(&t, " ORDER BY seq, log_id");
	return q->reader->walk(q->link, t.sql, take, &a);
}

int question_strays(const struct question *q, enum layout_name name, int64_t from, int64_t *n)
{
	int64_t numbers[] = {0, -1};
	struct text t = {.len = 0};
	int rc;

	add(&t, "SELECT count(*) FROM ");
	add_table(&t, q, name);
	add(&t, " l WHERE l.");
	add_host(&t, q);
	add(&t, " AND l.seq >= %" PRId64 " AND NOT EXISTS (SELECT 1 FROM ", from);
	add_table(&t, q, LAYOUT_WINDOW);
	add(&t, " w WHERE w.host_id = l.host_id AND w.log_id = l.log_id AND w.seq = l.seq)");
	rc = ask_numbers(q, &t, numbers);
	*n = numbers[0];
	return rc;
}

int question_sums(const struct question *q, struct question_sums *sums)
{
	int64_t numbers[] = {0, 0, 0, -1};
	struct text t = {.len = 0};
	int rc;

	add(&t, "SELECT (SELECT count(*) FROM ");
	add_table(&t, q, LAYOUT_FLOW);
	add(&t, " WHERE ");
	add_host(&t, q);
	add(&t, "), sum(flows), min(seq) FROM ");
	add_table(&t, q, LAYOUT_WINDOW);
	add(&t, " WHERE ");
	add_host(&t, q);
	rc = ask_numbers(q, &t, numbers);
	*sums = (struct question_sums){numbers[0], numbers[1], numbers[2]};
	return rc;
}
