/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * insert.h - a statement that puts many rows, as text: numbers in digits, everything else in hexadecimal, so
 * that nothing in it needs to be quoted and no setting of the server changes what it means. No I/O.
 */
#ifndef FEMTOSNITCH_STORE_MARIADB_INSERT_H
#define FEMTOSNITCH_STORE_MARIADB_INSERT_H

#include <stdbool.h>
#include <stdint.h>

#include "store/history.h"
#include "store/layout.h"

#define INSERT_TABLE_SIZE 72

struct insert {
	char *text;
	size_t len, size;
	uint32_t rows;
	bool failed; /* no memory: it is not whole */
	enum layout_name name;
	const struct history_run *log; /* whose rows: the constant columns */
};

/* Empty; the memory stays. log must outlive its rows. */
void insert_begin(struct insert *, enum layout_name, const char *table, const struct history_run *log);
/* row: the columns of layout() behind the constant ones. */
void insert_row(struct insert *, const struct content_value *row);
void insert_free(struct insert *);

/* `TABLEsuffix`; returns buf. */
const char *insert_table(char buf[INSERT_TABLE_SIZE], const char *table, const char *suffix);

#endif
