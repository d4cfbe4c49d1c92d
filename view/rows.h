/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rows.h - the rows of an answer and the formats they are written in. A format is a const table of functions,
 * one file each (out_*.c); adding one is a file and a row where main.c chooses.
 */
#ifndef FEMTOSNITCH_VIEW_ROWS_H
#define FEMTOSNITCH_VIEW_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum cell_kind {
	CELL_NULL,
	CELL_INTEGER,
	CELL_REAL,
	CELL_TEXT,
	CELL_BLOB
};

struct cell { /* bytes are foreign, and not kept behind the call that gets them */
	enum cell_kind kind;
	int64_t integer;
	double real;
	const char *bytes;
	size_t len;
};

enum unit {
	UNIT_NONE,
	UNIT_BYTES,   /* tables say 1.23 MB, unless output.exact */
	UNIT_PATH,    /* tables cut it in the middle */
	UNIT_DIGEST,  /* eight characters may stand for it in a table */
	UNIT_SENTENCE /* is not cut: where it does not fit, each row is a list */
};

struct column {
	const char *name;
	enum unit unit;
};

struct output {
	FILE *to;
	size_t terminal_columns; /* 0 = not a terminal: nothing is cut */
	bool exact;
	const struct column *columns;
	size_t n_columns; /* > 0 */
};

/* Each returns 0, -ENOMEM, or -errno of the write. end() is called once after begin(), also when a row
 * failed, and frees what begin() made; cut says that the answer is not whole. */
struct format {
	const char *name;
	int (*begin)(const struct output *, void **state);
	int (*row)(const struct output *, void *state, const struct cell *cells);
	int (*end)(const struct output *, void *state, bool cut);
};

/* For people. Widths come from the first rows (1,000 or 4 MiB of text), later ones are streamed. */
extern const struct format out_table;

/* One JSON array of objects, an object per line. Numbers are JSON numbers (64 bit), NULL is null, blobs are
 * hex text. An answer that broke off is left without its closing bracket, so that no reader takes it for
 * whole. */
extern const struct format out_json;

/* RFC 4180 with a header line, and lines that end as this system's do: LF. NULL is an empty field, empty text
 * is "", blobs are hex. On a terminal, what it would obey is escaped as in a table. */
extern const struct format out_csv;

#endif
