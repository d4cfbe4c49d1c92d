/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toml.h - reads the part of TOML that picosnitch 2 writes and its users would: tables, bare and quoted keys,
 * basic and literal strings on one line, whole numbers, booleans, arrays of strings or numbers, comments.
 * Anything else is refused, with its line. Memory: one value. No I/O.
 */
#ifndef FEMTOSNITCH_STORE_IMPORT_TOML_H
#define FEMTOSNITCH_STORE_IMPORT_TOML_H

#include <stdbool.h>
#include <stddef.h>

#define TOML_TEXT_MAX 4096  /* of a string */
#define TOML_NAME_MAX 128   /* of a key, and of the path of a table */
#define TOML_ITEMS_MAX 1024 /* of an array */

enum toml_type {
	TOML_STRING,
	TOML_NUMBER,
	TOML_BOOLEAN,
	TOML_ARRAY
};

struct toml_value {
	enum toml_type type;
	char *text; /* STRING: valid UTF-8 without NUL */
	long long number;
	bool boolean;
	struct toml_value *item; /* ARRAY: of strings or numbers */
	size_t items;
};

/* table: its keys joined by dots, "" before the first one. NULL, or why the value is refused (a constant). */
typedef const char *toml_heard(void *arg, const char *table, const char *key, const struct toml_value *,
			       unsigned line);

/* NULL: all was understood; else what is wrong (a constant), and *line where. */
const char *toml_read(const char *text, size_t len, toml_heard *, void *arg, unsigned *line);

#endif
