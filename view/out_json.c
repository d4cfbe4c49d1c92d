// SPDX-License-Identifier: GPL-2.0-or-later
/* out_json.c - an array of objects, one per line, streamed. */
#include "view/rows.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/text.h"

struct json {
	struct buffer line;
	bool any;
};

static int json_begin(const struct output *out, void **state)
{
	struct json *j = calloc(1, sizeof(*j));

	*state = j;
	if (!j)
		return -ENOMEM;
	buffer_text(&j->line, "[");
	return buffer_write(&j->line, out->to);
}

/* The shortest of two forms that reads back as the same number; 1.0 keeps its point. */
static void add_real(struct buffer *b, double real)
{
	char text[40];

	if (isnan(real)) {
		buffer_text(b, "null");
		return;
	}
	if (isinf(real)) { /* JSON has no infinity; readers make one of this */
		buffer_text(b, real < 0 ? "-1e999" : "1e999");
		return;
	}
	snprintf(text, sizeof(text), "%.15g", real);
	if (strtod(text, NULL) != real)
		snprintf(text, sizeof(text), "%.17g", real);
	buffer_text(b, text);
	if (!strpbrk(text, ".e"))
		buffer_text(b, ".0");
}

static void add_cell(struct buffer *b, const struct cell *cell)
{
	size_t i;

	switch (cell->kind) {
	case CELL_NULL:
		buffer_text(b, "null");
		break;
	case CELL_INTEGER:
		buffer_printf(b, "%" PRId64, cell->integer);
		break;
	case CELL_REAL:
		add_real(b, cell->real);
		break;
	case CELL_TEXT:
		buffer_text(b, "\"");
		text_json(b, cell->bytes, cell->len);
		buffer_text(b, "\"");
		break;
	case CELL_BLOB:
		buffer_text(b, "\"");
		for (i = 0; i < cell->len; i++)
			buffer_printf(b, "%02x", (unsigned char)cell->bytes[i]);
		buffer_text(b, "\"");
		break;
	}
}

static int json_row(const struct output *out, void *state, const struct cell *cells)
{
	struct json *j = state;
	size_t i;

	buffer_text(&j->line, j->any ? ",\n{" : "\n{");
	j->any = true;
	for (i = 0; i < out->n_columns; i++) {
		buffer_text(&j->line, i ? ",\"" : "\"");
		text_json(&j->line, out->columns[i].name, strlen(out->columns[i].name));
		buffer_text(&j->line, "\":");
		add_cell(&j->line, &cells[i]);
	}
	buffer_text(&j->line, "}");
	return buffer_write(&j->line, out->to);
}

static int json_end(const struct output *out, void *state, bool cut)
{
	struct json *j = state;
	int rc = 0;

	if (!j)
		return -ENOMEM;
	if (j->any || cut)
		buffer_text(&j->line, "\n");
	if (!cut)
		buffer_text(&j->line, "]\n");
	rc = buffer_write(&j->line, out->to);
	buffer_free(&j->line);
	free(j);
	return rc;
}

const struct format out_json = {"json", json_begin, json_row, json_end};
