// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * out_table.c - an answer for people. The first rows (HELD_ROWS, or HELD_BYTES of text) are held to find the
 * widths; then every row is written as it comes. On a terminal the widest columns give way until a line fits;
 * where they cannot, each row becomes a list of "name  value" lines. Elsewhere nothing is cut.
 */
#include "view/rows.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "view/text.h"

#define HELD_ROWS 1000
#define HELD_BYTES (4U << 20)
#define GAP 2	     /* columns between columns */
#define NARROW 20    /* text of this width is not cut: times and IPv4 addresses stay whole */
#define DIGEST 9     /* what a cut SHA-256 keeps, with its "…" */
#define NARROWEST 16 /* what cut text keeps at least */

struct held {
	size_t at; /* in table.text */
	size_t len;
	size_t width;
	bool number;
};

struct table {
	struct buffer text; /* of the held cells, safe for a terminal */
	struct buffer line;
	struct held *held; /* rows of n_columns */
	size_t n_held;	   /* cells */
	size_t room;	   /* cells */
	size_t *widths;	   /* of the held text; once laid out, of the columns */
	size_t *least;
	bool *numbers; /* the column holds a number: its head stands at the right */
	size_t rows;   /* written */
	size_t gap;
	bool laid_out;
	bool list;
};

/* Three digits, decimal units: what network tools and providers count in. */
static void add_bytes(struct buffer *b, int64_t bytes)
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	double value = (double)bytes, size = value < 0 ? -value : value;
	size_t i = 0;

	if (size < 1000) {
		buffer_printf(b, "%" PRId64 " B", bytes);
		return;
	}
	for (value /= 1000, size /= 1000; size >= 999.5 && i < 5; i++) {
		value /= 1000;
		size /= 1000;
	}
	buffer_printf(b, "%.*f %s", size < 9.995 ? 2 : size < 99.95 ? 1 : 0, value, units[i]);
}

static void add_cell(struct buffer *b, const struct output *out, size_t column, const struct cell *cell)
{
	size_t i;

	switch (cell->kind) {
	case CELL_NULL:
		buffer_text(b, "-");
		break;
	case CELL_INTEGER:
		if (out->columns[column].unit == UNIT_BYTES && !out->exact)
			add_bytes(b, cell->integer);
		else
			buffer_printf(b, "%" PRId64, cell->integer);
		break;
	case CELL_REAL:
		buffer_printf(b, "%.15g", cell->real);
		break;
	case CELL_TEXT:
		text_terminal(b, cell->bytes, cell->len);
		break;
	case CELL_BLOB:
		for (i = 0; i < cell->len; i++)
			buffer_printf(b, "%02x", (unsigned char)cell->bytes[i]);
		break;
	}
}

static int hold_row(const struct output *out, struct table *t, const struct cell *cells)
{
	size_t i, room = t->room ? t->room * 2 : out->n_columns * 16;
	struct held *h;

	if (t->n_held + out->n_columns > t->room) {
		h = reallocarray(t->held, room, sizeof(*h));
		if (!h)
			return -ENOMEM;
		t->held = h;
		t->room = room;
	}
	for (i = 0; i < out->n_columns; i++) {
		h = &t->held[t->n_held++];
		h->at = t->text.len;
		add_cell(&t->text, out, i, &cells[i]);
		if (t->text.failed)
			return -ENOMEM;
		h->len = t->text.len - h->at;
		h->width = text_width(t->text.data + h->at, h->len);
		h->number = cells[i].kind == CELL_INTEGER || cells[i].kind == CELL_REAL;
		if (h->width > t->widths[i])
			t->widths[i] = h->width;
		t->numbers[i] = t->numbers[i] || h->number;
	}
	return 0;
}

/* What column i, whose widest text takes so much, can be narrowed to. Heads give way to four columns:
 * "conn…" is still understood. */
static size_t narrowest(const struct output *out, const struct table *t, size_t i, size_t text)
{
	if (out->columns[i].unit == UNIT_DIGEST && text > DIGEST)
		return DIGEST;
	if (t->numbers[i] || text <= NARROW || out->columns[i].unit == UNIT_SENTENCE)
		return text < 4 ? 4 : text;
	return NARROWEST;
}

/* The widest column that can give; there is one. */
static size_t widest(const struct output *out, const struct table *t)
{
	size_t i, found = out->n_columns;

	for (i = 0; i < out->n_columns; i++)
		if (t->widths[i] > t->least[i] &&
		    (found == out->n_columns || t->widths[i] > t->widths[found]))
			found = i;
	return found;
}

/* Decide the widths. Without a terminal they stay what the held rows want. */
static void lay_out(const struct output *out, struct table *t)
{
	size_t i, head, total = 0, least = 0, limit = out->terminal_columns, gaps = out->n_columns - 1;

	t->laid_out = true;
	for (i = 0; i < out->n_columns; i++) {
		head = strlen(out->columns[i].name);
		t->least[i] = narrowest(out, t, i, t->widths[i]);
		t->widths[i] = head > t->widths[i] ? head : t->widths[i];
		if (limit && t->widths[i] > limit && limit > t->least[i])
			t->widths[i] = limit;
		total += t->widths[i];
		least += t->least[i] < t->widths[i] ? t->least[i] : t->widths[i];
	}
	t->list = limit && least + gaps > limit;
	t->gap = limit && least + gaps * GAP > limit ? 1 : GAP;
	for (total += gaps * t->gap; limit && !t->list && total > limit; total--)
		t->widths[widest(out, t)]--;
}

/* Text, filled up to its column's width: numbers and their heads stand at the right. The last column is not
 * filled up behind. Half a number would be a wrong one: it is never cut. */
static void add_field(const struct output *out, struct table *t, size_t i, const char *text,
		      const struct held *h)
{
	enum text_cut cut = out->columns[i].unit == UNIT_PATH ? TEXT_CUT_MIDDLE : TEXT_CUT_END;
	size_t room = t->widths[i], width = h->width;
	bool last = i + 1 == out->n_columns;

	if (t->numbers[i] && width < room)
		buffer_fill(&t->line, ' ', room - width);
	if (out->terminal_columns && !h->number)
		width = text_fit(&t->line, text, h->len, room, cut);
	else
		buffer_add(&t->line, text, h->len);
	if (!last && !t->numbers[i] && width < room)
		buffer_fill(&t->line, ' ', room - width);
	if (last)
		buffer_text(&t->line, "\n");
	else
		buffer_fill(&t->line, ' ', t->gap);
}

static void draw_head(const struct output *out, struct table *t)
{
	struct buffer name = {0};
	struct held h = {0};
	size_t i;

	for (i = 0; i < out->n_columns; i++) {
		name.len = 0;
		text_terminal(&name, out->columns[i].name, strlen(out->columns[i].name));
		h.len = name.len;
		h.width = text_width(name.data, name.len);
		add_field(out, t, i, name.data, &h);
	}
	t->line.failed |= name.failed;
	buffer_free(&name);
}

/* One row as lines "name  value", the names as wide as the widest. */
static void draw_list(const struct output *out, struct table *t, const struct held *row)
{
	size_t i, width = 0, len;

	for (i = 0; i < out->n_columns; i++) {
		len = strlen(out->columns[i].name);
		width = len > width ? len : width;
	}
	if (t->rows)
		buffer_text(&t->line, "\n");
	for (i = 0; i < out->n_columns; i++) {
		len = t->line.len;
		text_terminal(&t->line, out->columns[i].name, strlen(out->columns[i].name));
		len = t->line.len - len;
		buffer_fill(&t->line, ' ', (len < width ? width - len : 0) + GAP);
		buffer_add(&t->line, t->text.data + row[i].at, row[i].len);
		buffer_text(&t->line, "\n");
	}
}

/* Write the held rows and forget them. */
static int draw_held(const struct output *out, struct table *t)
{
	const struct held *row;
	size_t at, i;
	int rc = 0;

	if (!t->laid_out) {
		lay_out(out, t);
		if (!t->list && t->n_held)
			draw_head(out, t);
	}
	for (at = 0; at < t->n_held && !rc; at += out->n_columns) {
		row = &t->held[at];
		if (t->list)
			draw_list(out, t, row);
		for (i = 0; i < out->n_columns && !t->list; i++)
			add_field(out, t, i, t->text.data + row[i].at, &row[i]);
		t->rows++;
		rc = buffer_write(&t->line, out->to);
	}
	t->n_held = 0;
	t->text.len = 0;
	return rc;
}

static int table_begin(const struct output *out, void **state)
{
	struct table *t = calloc(1, sizeof(*t));

	*state = t;
	if (!t)
		return -ENOMEM;
	t->widths = calloc(out->n_columns, sizeof(*t->widths));
	t->least = calloc(out->n_columns, sizeof(*t->least));
	t->numbers = calloc(out->n_columns, sizeof(*t->numbers));
	return t->widths && t->least && t->numbers ? 0 : -ENOMEM;
}

static int table_row(const struct output *out, void *state, const struct cell *cells)
{
	struct table *t = state;
	int rc = hold_row(out, t, cells);

	if (rc)
		return rc;
	if (!t->laid_out && t->n_held / out->n_columns < HELD_ROWS && t->text.len < HELD_BYTES)
		return 0;
	return draw_held(out, t);
}

static int table_end(const struct output *out, void *state, bool cut)
{
	struct table *t = state;
	int rc = 0;

	(void)cut;
	if (!t)
		return -ENOMEM;
	if (t->widths && t->least && t->numbers && !t->text.failed)
		rc = draw_held(out, t);
	buffer_free(&t->text);
	buffer_free(&t->line);
	free(t->held);
	free(t->widths);
	free(t->least);
	free(t->numbers);
	free(t);
	return rc;
}

const struct format out_table = {"table", table_begin, table_row, table_end};
