// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * layout.c - see layout.h.
 */
#include "store/postgres/layout.h"

#include <stdio.h>
#include <string.h>

/* ts: sent as unix seconds. */
static const struct layout head[LAYOUT__MAX] = {
	[LAYOUT_IMAGE] = {"_image",
			  "host_id, image",
			  false,
			  4,
			  1,
			  {{"host_id", "uuid", true, true},
			   {"image", "bytea", false, true},
			   {"version", "int", false, true},
			   {"pending", "text", false, false}}},
	[LAYOUT_LATE] = {"_late",
			 "host_id, log_id, seq, was",
			 false,
			 5,
			 2,
			 {{"host_id", "uuid", true, true},
			  {"log_id", "uuid", true, true},
			  {"seq", "bigint", false, true},
			  {"was", "bytea", false, true},
			  {"now", "bytea", false, true}}},
	[LAYOUT_FLOW] = {"",
			 "host_id, log_id, seq, ts",
			 true,
			 5,
			 3,
			 {{"host_id", "uuid", true, true},
			  {"log_id", "uuid", true, true},
			  {"host", "text", true, true},
			  {"seq", "bigint", false, true},
			  {"image", "bytea", false, true}}},
	[LAYOUT_WINDOW] = {"_window",
			   "host_id, log_id, seq, ts",
			   true,
			   11,
			   3,
			   {{"host_id", "uuid", true, true},
			    {"log_id", "uuid", true, true},
			    {"host", "text", true, true},
			    {"seq", "bigint", false, true},
			    {"ts", "timestamptz", false, true},
			    {"version", "int", false, true},
			    {"first", "bigint", false, true},
			    {"flows", "bigint", false, true},
			    {"late", "bigint", false, true},
			    {"previous", "bytea", false, true},
			    {"hash", "bytea", false, true}}},
};

static void append(struct layout *l, const struct column *columns, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++, l->n++) {
		bool time = strcmp(columns[i].name, "contime") == 0;

		l->columns[l->n].name = time ? "ts" : columns[i].name;
		l->columns[l->n].type = time ? "timestamptz" : columns[i].type;
		l->columns[l->n].needed = time;
	}
}

const struct layout *layout(enum layout_name name)
{
	static struct layout whole[LAYOUT__MAX];

	if (whole[name].n == 0) {
		whole[name] = head[name];
		if (name == LAYOUT_IMAGE)
			append(&whole[name], columns_image, COLUMNS_N_IMAGE);
		else if (name == LAYOUT_FLOW)
			append(&whole[name], columns_flow, COLUMNS_N_FLOW);
	}
	return &whole[name];
}

_Static_assert(COLUMNS_N_FLOW + 5 <= LAYOUT_COLUMNS_MAX && COLUMNS_N_IMAGE + 4 <= LAYOUT_COLUMNS_MAX,
	       "columns");

static size_t quote(char *buf, size_t size, const char *part, const char *suffix)
{
	const char *const parts[] = {part, suffix};
	size_t at = 0, i;
	const char *c;

	buf[at++] = '"';
	for (i = 0; i < 2; i++)
		for (c = parts[i]; *c && at + 4 < size; c++) {
			if (*c == '"')
				buf[at++] = '"';
			buf[at++] = *c;
		}
	buf[at++] = '"';
	buf[at] = '\0';
	return at;
}

const char *layout_table(char buf[LAYOUT_TABLE_SIZE], const char *schema, const char *table,
			 const char *suffix)
{
	size_t at = 0;

	if (*schema) {
		at = quote(buf, LAYOUT_TABLE_SIZE / 2, schema, "");
		buf[at++] = '.';
	}
	quote(buf + at, LAYOUT_TABLE_SIZE - at, table, suffix);
	return buf;
}

static const char *sent_as(const struct layout_column *c)
{
	if (strcmp(c->type, "text") == 0 || strcmp(c->type, "bytea") == 0)
		return c->type;
	return "bigint";
}

static void select_column(FILE *f, const struct layout_column *c, size_t i)
{
	if (c->constant)
		fprintf(f, "$%zu::%s", i + 1, c->type);
	else if (strcmp(c->type, "timestamptz") == 0)
		fprintf(f, "to_timestamp(u.c%zu)", i);
	else
		fprintf(f, "u.c%zu::%s", i, c->type);
}

char *layout_insert(enum layout_name name, const char *schema, const char *table)
{
	const struct layout *l = layout(name);
	char quoted[LAYOUT_TABLE_SIZE], *text = NULL;
	size_t size, i;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	fprintf(f, "INSERT INTO %s(", layout_table(quoted, schema, table, l->suffix));
	for (i = 0; i < l->n; i++)
		fprintf(f, "%s\"%s\"", i ? ", " : "", l->columns[i].name);
	fputs(") SELECT ", f);
	for (i = 0; i < l->n; i++) {
		fputs(i ? ", " : "", f);
		select_column(f, &l->columns[i], i);
	}
	fputs(" FROM unnest(", f);
	for (i = l->constants; i < l->n; i++)
		fprintf(f, "%s$%zu::%s[]", i > l->constants ? ", " : "", i + 1, sent_as(&l->columns[i]));
	fputs(") AS u(", f);
	for (i = l->constants; i < l->n; i++)
		fprintf(f, "%sc%zu", i > l->constants ? ", " : "", i);
	fputs(") ON CONFLICT DO NOTHING", f);
	fclose(f);
	return text;
}
