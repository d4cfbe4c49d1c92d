/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sql.h - the tables of store/layout.h in the SQL of PostgreSQL.
 */
#ifndef FEMTOSNITCH_STORE_POSTGRES_SQL_H
#define FEMTOSNITCH_STORE_POSTGRES_SQL_H

#include "store/layout.h"

/* Quoted: SCHEMA.TABLEsuffix. Returns buf. */
#define SQL_TABLE_SIZE 300
const char *sql_table(char buf[SQL_TABLE_SIZE], const char *schema, const char *table, const char *suffix);

const char *sql_type(enum layout_type);

/* Rows as arrays, constant columns as single values, what is there already passed over. Caller frees. NULL:
 * no memory. */
char *sql_insert(enum layout_name, const char *schema, const char *table);
char *sql_copy(enum layout_name, const char *schema, const char *table); /* COPY ... FROM STDIN, likewise */

/* What a table of LAYOUT_VERSION has as its comment. */
#define SQL_COMMENT "femtosnitch layout "

#endif
