/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * name.h - domains as the store holds them in memory: text and how it is known, each pair once, counted by
 * reference. The text is that of wire_name: it needs no escaping. No I/O.
 */
#ifndef FEMTOSNITCH_STORE_NAME_H
#define FEMTOSNITCH_STORE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"

struct name {
	struct name *next;
	uint32_t hash;
	uint32_t refs;
	uint16_t source; /* enum wire_name_source */
	/* The row of its text: owned by records.c */
	uint64_t row_of; /* which records_forget() it came after */
	int64_t id;
	int64_t last_hour_s;
	char text[];
};

struct name_table {
	struct name **chain;
	size_t size, count; /* size 0: nothing is allocated */
};

/* One reference for the caller. NULL: no memory. */
struct name *name_intern(struct name_table *, const char *text, unsigned source);
struct name *name_ref(struct name *);		     /* NULL is fine */
void name_unref(struct name_table *, struct name *); /* NULL is fine */
void name_table_free(struct name_table *);	     /* every reference must have been given back */

#endif
