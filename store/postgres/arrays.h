/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * arrays.h - columns of rows as binary arrays of PostgreSQL (array_recv in its arrayfuncs.c): parameters of a
 * statement that takes them apart with unnest(). Nothing in them needs to be quoted.
 */
#ifndef FEMTOSNITCH_STORE_POSTGRES_ARRAYS_H
#define FEMTOSNITCH_STORE_POSTGRES_ARRAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Types of their elements, by their OIDs in pg_type.dat, which never change. */
#define ARRAY_BYTEA 17u
#define ARRAY_INT8 20u
#define ARRAY_TEXT 25u

struct array {
	unsigned char *data; /* the parameter */
	size_t len, size;
	uint32_t n;
	bool failed; /* no memory: it is not whole */
};

unsigned array_type(unsigned element); /* OID of the array */

void array_begin(struct array *, unsigned element); /* empty, the memory stays */
void array_null(struct array *);
void array_number(struct array *, int64_t);
void array_bytes(struct array *, const void *, size_t len); /* text too */
void array_free(struct array *);

#endif
