// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * layout.c - see layout.h.
 */
#include "store/layout.h"

#include <string.h>

#include "config/log.h"
#include "store/sqlite.h"

static const struct layout head[LAYOUT__MAX] = {
	/* the host first and the time last, as Citus and TimescaleDB want keys */
	[LAYOUT_WINDOW] = {"_window",
			   "host_id, log_id, seq, ts",
			   true,
			   12,
			   3,
			   {{"host_id", LAYOUT_UUID, true},
			    {"log_id", LAYOUT_UUID, true},
			    {"host", LAYOUT_TEXT, true},
			    {"seq", LAYOUT_BIGINT, true},
			    {"ts", LAYOUT_TIME, true},
			    {"version", LAYOUT_INT, true},
			    {"first", LAYOUT_BIGINT, true},
			    {"flows", LAYOUT_BIGINT, true},
			    {"late", LAYOUT_BIGINT, true},
			    {"previous", LAYOUT_BYTES, true},
			    {"hash", LAYOUT_BYTES, true},
			    {"losses", LAYOUT_BIGINT, false}}},
	[LAYOUT_FLOW] = {"",
			 NULL,
			 true,
			 5,
			 3,
			 {{"host_id", LAYOUT_UUID, true},
			  {"log_id", LAYOUT_UUID, true},
			  {"host", LAYOUT_TEXT, true},
			  {"seq", LAYOUT_BIGINT, true},
			  {"image", LAYOUT_BYTES, true}}},
	[LAYOUT_IMAGE] = {"_image",
			  "host_id, image",
			  false,
			  4,
			  1,
			  {{"host_id", LAYOUT_UUID, true},
			   {"image", LAYOUT_BYTES, true},
			   {"version", LAYOUT_INT, true},
			   {"pending", LAYOUT_TEXT, false}}},
	[LAYOUT_LATE] = {"_late",
			 "host_id, log_id, seq, was",
			 false,
			 5,
			 2,
			 {{"host_id", LAYOUT_UUID, true},
			  {"log_id", LAYOUT_UUID, true},
			  {"seq", LAYOUT_BIGINT, true},
			  {"was", LAYOUT_BYTES, true},
			  {"now", LAYOUT_BYTES, true}}},
	[LAYOUT_LOSS] = {"_loss",
			 "host_id, log_id, seq, n",
			 false,
			 5,
			 3,
			 {{"host_id", LAYOUT_UUID, true},
			  {"log_id", LAYOUT_UUID, true},
			  {"host", LAYOUT_TEXT, true},
			  {"seq", LAYOUT_BIGINT, true},
			  {"n", LAYOUT_BIGINT, true}}},
};

static enum layout_type type_of(const struct column *c)
{
	if (strcmp(c->name, "contime") == 0)
		return LAYOUT_TIME;
	return strcmp(c->type, "text") == 0  ? LAYOUT_TEXT
	       : strcmp(c->type, "int") == 0 ? LAYOUT_INT
					     : LAYOUT_BIGINT;
}

static void append(struct layout *l, const struct column *columns, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++, l->n++) {
		struct layout_column *c = &l->columns[l->n];

		c->type = type_of(&columns[i]);
		c->needed = c->type == LAYOUT_TIME;
		c->name = c->needed ? "ts" : columns[i].name;
	}
}

const struct layout *layout(enum layout_name name)
{
	static struct layout whole[LAYOUT__MAX];

	if (whole[name].n == 0) {
		whole[name] = head[name];
		if (name == LAYOUT_IMAGE)
			append(&whole[name], columns_image, COLUMNS_N_IMAGE);
		else if (name == LAYOUT_FLOW)
			append(&whole[name], columns_flow, COLUMNS_N_FLOW);
		else if (name == LAYOUT_LOSS)
			append(&whole[name], columns_loss, COLUMNS_N_LOSS);
	}
	return &whole[name];
}

static enum layout_name table_of(const char *name)
{
	size_t i;

	for (i = 0; i < COLUMNS_N_IMAGE; i++)
		if (strcmp(columns_image[i].name, name) == 0)
			return LAYOUT_IMAGE;
	for (i = 0; i < COLUMNS_N_FLOW; i++)
		if (strcmp(columns_flow[i].name, name) == 0)
			return LAYOUT_FLOW;
	return LAYOUT__MAX;
}

/* Asked from an empty database. */
int layout_connections(layout_column_fn *fn)
{
	static const char sql[] = "SELECT name FROM pragma_table_info('connections') ORDER BY cid";
	struct sqlite db;
	sqlite3_stmt *stmt;
	int rc = sqlite_open(&db, ":memory:");

	if (rc == 0 && (rc = sqlite_exec(&db, SCHEMA_ALL)) == 0) {
		stmt = sqlite_statement(&db, sql);
		while ((rc = sqlite_step(&db, stmt)) == 1) {
			const char *name = (const char *)sqlite3_column_text(stmt, 0);

			fn(name, table_of(name));
		}
	}
	if (rc != 0)
		log_warnx("%s", db.why);
	sqlite_close(&db);
	return rc;
}

_Static_assert(COLUMNS_N_FLOW + 5 <= LAYOUT_COLUMNS_MAX && COLUMNS_N_IMAGE + 4 <= LAYOUT_COLUMNS_MAX,
	       "columns");
