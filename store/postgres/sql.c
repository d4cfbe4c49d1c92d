// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sql.c - see sql.h.
 */
#include "store/postgres/sql.h"

#include <stdio.h>
#include <string.h>

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

const char *sql_table(char buf[SQL_TABLE_SIZE], const char *schema, const char *table, const char *suffix)
{
	size_t at = 0;

	if (*schema) {
		at = quote(buf, SQL_TABLE_SIZE / 2, schema, "");
		buf[at++] = '.';
	}
	quote(buf + at, SQL_TABLE_SIZE - at, table, suffix);
	return buf;
}

const char *sql_type(enum layout_type type)
{
	static const char *const names[] = {
		[LAYOUT_UUID] = "uuid", [LAYOUT_BYTES] = "bytea",   [LAYOUT_TEXT] = "text",
		[LAYOUT_INT] = "int",	[LAYOUT_BIGINT] = "bigint", [LAYOUT_TIME] = "timestamptz",
	};

	return names[type];
}

static const char *sent_as(const struct layout_column *c)
{
	return c->type == LAYOUT_TEXT || c->type == LAYOUT_BYTES ? sql_type(c->type) : "bigint";
}

static void select_column(FILE *f, const struct layout *l, size_t i)
{
	const struct layout_column *c = &l->columns[i];

	if (i < l->constants)
		fprintf(f, "$%zu::%s", i + 1, sql_type(c->type));
	else if (c->type == LAYOUT_TIME)
		fprintf(f, "to_timestamp(u.c%zu)", i);
	else
		fprintf(f, "u.c%zu::%s", i, sql_type(c->type));
}

static void list_columns(FILE *f, const struct layout *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		fprintf(f, "%s\"%s\"", i ? ", " : "", l->columns[i].name);
}

char *sql_insert(enum layout_name name, const char *schema, const char *table)
{
	const struct layout *l = layout(name);
	char quoted[SQL_TABLE_SIZE], *text = NULL;
	size_t size, i;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	fprintf(f, "INSERT INTO %s(", sql_table(quoted, schema, table, l->suffix));
	list_columns(f, l);
	fputs(") SELECT ", f);
	for (i = 0; i < l->n; i++) {
		fputs(i ? ", " : "", f);
		select_column(f, l, i);
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

char *sql_copy(enum layout_name name, const char *schema, const char *table)
{
	const struct layout *l = layout(name);
	char quoted[SQL_TABLE_SIZE], *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	fprintf(f, "COPY %s(", sql_table(quoted, schema, table, l->suffix));
	list_columns(f, l);
	fputs(") FROM STDIN (FORMAT binary)", f);
	fclose(f);
	return text;
}
