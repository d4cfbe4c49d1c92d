/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * target.h - where the copy goes: "DB sql server" of config.json, or a conninfo string, as parameters of
 * libpq.
 */
#ifndef FEMTOSNITCH_STORE_POSTGRES_TARGET_H
#define FEMTOSNITCH_STORE_POSTGRES_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#define TARGET_PARAMETERS 64
#define TARGET_TABLE "connection_log"
#define TARGET_TABLE_SIZE 64 /* of one part of a name, NAMEDATALEN of PostgreSQL */

struct target {
	char *keywords[TARGET_PARAMETERS + 1], *values[TARGET_PARAMETERS + 1]; /* NULL at the end; owned */
	size_t n;
	char schema[TARGET_TABLE_SIZE]; /* "" = as the server's search_path says */
	char table[TARGET_TABLE_SIZE];
	bool other;    /* a server that is not PostgreSQL */
	char why[256]; /* what is wrong, or how TLS is relaxed ("" = it is not) */
};

/* json: an object or a string. 0; -EINVAL: why says what is wrong (never a password); -ENOMEM. */
int target_parse(struct target *, const char *json);
int target_conninfo(struct target *, const char *conninfo); /* the same of a conninfo, URI or service */
void target_free(struct target *);			    /* of a zeroed or filled one */

/* "name" or "schema.name" to schema and table. False: neither. */
bool target_set_table(struct target *, const char *name);

#endif
