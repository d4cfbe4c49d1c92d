/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * layout.h - the tables of a copy: one description, from which come the statements that make and write them,
 * on whatever server. The columns of flows and images are those of store/columns.h.
 *
 * - NAME_window: the chain; its key (host, log, number) is what keeps a copy exact: a window's row is put in
 *   the transaction that puts its flows, and whoever finds it there already puts nothing
 * - NAME: one row per flow; no key, for its rows come and go with their window
 * - NAME_image: what is known of the image of a flow, by its digest (content.h)
 * - NAME_late: a hash came after the flows: that digest is now this one
 * - NAME_loss: what a window says of losses
 */
#ifndef FEMTOSNITCH_STORE_LAYOUT_H
#define FEMTOSNITCH_STORE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "store/columns.h"

/* Of the tables. One that only has more columns (which may be NULL) is the same version: who writes fewer may
 * go on. Version 1 had a key on flows and none was written down. */
#define LAYOUT_VERSION 2

enum layout_name {
	LAYOUT_WINDOW,
	LAYOUT_FLOW,
	LAYOUT_IMAGE,
	LAYOUT_LATE,
	LAYOUT_LOSS,
	LAYOUT__MAX
};

/* How a value comes (driver.h), and what it is called in PostgreSQL. */
enum layout_type {
	LAYOUT_UUID,  /* 16 bytes */
	LAYOUT_BYTES, /* bytea */
	LAYOUT_TEXT,
	LAYOUT_INT,    /* 32 bits */
	LAYOUT_BIGINT, /* 64 bits */
	LAYOUT_TIME,   /* unix seconds; timestamptz */
	LAYOUT_TYPE__MAX
};

struct layout_column {
	const char *name;
	enum layout_type type;
	bool needed; /* NOT NULL */
};

#define LAYOUT_COLUMNS_MAX 64

struct layout {
	const char *suffix;
	const char *key;  /* NULL: none */
	bool partitioned; /* by ts */
	size_t n, constants;
	struct layout_column
		columns[LAYOUT_COLUMNS_MAX]; /* first those that are the same in all rows of a log */
};

const struct layout *layout(enum layout_name);

/* Each column of the local view connections, in its order, for a view of the same there. table: which one has
 * it, LAYOUT__MAX = none. 0 or -errno after a message. */
typedef void layout_column_fn(const char *name, enum layout_name table);
int layout_connections(layout_column_fn *);

#endif
