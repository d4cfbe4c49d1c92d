// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * out_csv.c - comma-separated values. Fields that a spreadsheet would take for a formula are left as they
 * are: an audit log does not change what it saw.
 */
#include "view/rows.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "view/text.h"

static int csv_begin(const struct output *out, void **state)
{
	struct buffer *line = calloc(1, sizeof(*line));
	size_t i;

	*state = line;
	if (!line)
		return -ENOMEM;
	for (i = 0; i < out->n_columns; i++) {
		if (i)
			buffer_text(line, ",");
		text_csv(line, out->columns[i].name, strlen(out->columns[i].name));
	}
	buffer_text(line, "\n");
	return buffer_write(line, out->to);
}

/* As it is for a program; a terminal would obey what is in it. */
static void csv_text(const struct output *out, struct buffer *line, const struct cell *cell)
{
	struct buffer shown = {0};

	if (!out->terminal_columns) {
		text_csv(line, cell->bytes, cell->len);
		return;
	}
	text_terminal(&shown, cell->bytes, cell->len);
	text_csv(line, shown.data ? shown.data : "", shown.len);
	line->failed |= shown.failed;
	buffer_free(&shown);
}

static int csv_row(const struct output *out, void *state, const struct cell *cells)
{
	struct buffer *line = state;
	size_t i, at;

	for (i = 0; i < out->n_columns; i++) {
		if (i)
			buffer_text(line, ",");
		switch (cells[i].kind) {
		case CELL_NULL:
			break;
		case CELL_INTEGER:
			buffer_printf(line, "%" PRId64, cells[i].integer);
			break;
		case CELL_REAL:
			buffer_printf(line, "%.17g", cells[i].real);
			break;
		case CELL_TEXT:
			csv_text(out, line, &cells[i]);
			break;
		case CELL_BLOB:
			for (at = 0; at < cells[i].len; at++)
				buffer_printf(line, "%02x", (unsigned char)cells[i].bytes[at]);
			break;
		}
	}
	buffer_text(line, "\n");
	return buffer_write(line, out->to);
}

static int csv_end(const struct output *out, void *state, bool cut)
{
	(void)out;
	(void)cut; /* every line is whole; the exit status and the message say that more was to come */
	if (!state)
		return -ENOMEM;
	buffer_free(state);
	free(state);
	return 0;
}

const struct format out_csv = {"csv", csv_begin, csv_row, csv_end};
