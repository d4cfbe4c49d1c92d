/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * layout.h - the tables of the copy: one description, from which come the statements that write them (link.c)
 * and the text that makes them (ddl.c). The columns of flows and images are those of store/columns.h.
 *
 * - NAME: one row per flow; the key has the host first and the time last, as Citus and TimescaleDB want
 * - NAME_image: what is known of the image of a flow, by its digest (content.h)
 * - NAME_late: a hash came after the flows: that digest is now this one
 * - NAME_window: the chain
 */
#ifndef FEMTOSNITCH_STORE_POSTGRES_LAYOUT_H
#define FEMTOSNITCH_STORE_POSTGRES_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "store/columns.h"

/* In the order in which they are written: nothing is referred to before it is there. */
enum layout_name {
	LAYOUT_IMAGE,
	LAYOUT_LATE,
	LAYOUT_FLOW,
	LAYOUT_WINDOW,
	LAYOUT__MAX
};

struct layout_column {
	const char *name, *type;
	bool constant; /* the same for all rows of a statement: a parameter, not an array */
	bool needed;   /* NOT NULL */
};

#define LAYOUT_COLUMNS_MAX 64

struct layout {
	const char *suffix, *key;
	bool partitioned; /* by ts */
	size_t n, constants;
	struct layout_column columns[LAYOUT_COLUMNS_MAX]; /* the constant ones first */
};

const struct layout *layout(enum layout_name);

/* Quoted: SCHEMA.TABLEsuffix. Returns buf. */
#define LAYOUT_TABLE_SIZE 300
const char *layout_table(char buf[LAYOUT_TABLE_SIZE], const char *schema, const char *table,
			 const char *suffix);

/* "INSERT ...", caller frees. NULL: no memory. */
char *layout_insert(enum layout_name, const char *schema, const char *table);

#endif
