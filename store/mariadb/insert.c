// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * insert.c - see insert.h. What has a key may be there already: IGNORE needs no more rights than INSERT. It
 * also makes mere warnings of other errors, which whoever sends this must look for.
 */
#include "store/mariadb/insert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 4096

static char *room(struct insert *in, size_t len)
{
	size_t size = in->size ? in->size : FIRST_SIZE;
	char *grown;

	while (size < in->len + len)
		size *= 2;
	if (size != in->size) {
		if (!(grown = realloc(in->text, size))) {
			in->failed = true;
			return NULL;
		}
		in->text = grown;
		in->size = size;
	}
	in->len += len;
	return in->text + in->len - len;
}

static void put_text(struct insert *in, const char *text)
{
	size_t len = strlen(text);
	char *at = room(in, len);

	if (at)
		memcpy(at, text, len);
}

static void put_hex(struct insert *in, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *b = bytes;
	char *at = room(in, 2 * len + 3);
	size_t i;

	if (!at)
		return;
	*at++ = 'x';
	*at++ = '\'';
	for (i = 0; i < len; i++) {
		*at++ = digits[b[i] >> 4];
		*at++ = digits[b[i] & 15];
	}
	*at = '\'';
}

static void put_value(struct insert *in, enum layout_type type, const struct content_value *v)
{
	char number[24];

	if (v->is_number) {
		snprintf(number, sizeof(number), "%" PRId64, v->number);
		put_text(in, number);
	} else if (!v->text) {
		put_text(in, "NULL");
	} else {
		if (type == LAYOUT_TEXT)
			put_text(in, "_utf8mb4 ");
		put_hex(in, v->text, v->len);
	}
}

const char *insert_table(char buf[INSERT_TABLE_SIZE], const char *table, const char *suffix)
{
	snprintf(buf, INSERT_TABLE_SIZE, "`%s%s`", table, suffix);
	return buf;
}

void insert_begin(struct insert *in, enum layout_name name, const char *table, const struct history_run *log)
{
	const struct layout *l = layout(name);
	char quoted[INSERT_TABLE_SIZE];
	size_t i;

	in->len = 0;
	in->rows = 0;
	in->failed = false;
	in->name = name;
	in->log = log;
	put_text(in, l->key ? "INSERT IGNORE INTO " : "INSERT INTO ");
	put_text(in, insert_table(quoted, table, l->suffix));
	for (i = 0; i < l->n; i++) {
		put_text(in, i ? ",`" : "(`");
		put_text(in, l->columns[i].name);
		put_text(in, "`");
	}
	put_text(in, ") VALUES ");
}

void insert_row(struct insert *in, const struct content_value *row)
{
	const struct layout *l = layout(in->name);
	const struct content_value constant[] = {
		{.text = (const char *)in->log->host, .len = sizeof(in->log->host)},
		{.text = (const char *)in->log->log, .len = sizeof(in->log->log)},
		{.text = in->log->hostname, .len = strlen(in->log->hostname)},
	};
	size_t i;

	put_text(in, in->rows++ ? ",(" : "(");
	for (i = 0; i < l->n; i++) {
		if (i > 0)
			put_text(in, ",");
		put_value(in, l->columns[i].type, i < l->constants ? &constant[i] : &row[i - l->constants]);
	}
	put_text(in, ")");
}

void insert_free(struct insert *in)
{
	free(in->text);
	memset(in, 0, sizeof(*in));
}
