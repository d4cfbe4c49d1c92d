/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * already.h - is a row of another log in ours already? Rows are compared by what they say, so that the same
 * log may be imported again, longer than before, or from a copy, and each row is here once; equal rows of one
 * second are counted. Bound: the imported rows of 5 minutes, 40 bytes each.
 */
#ifndef FEMTOSNITCH_STORE_IMPORT_ALREADY_H
#define FEMTOSNITCH_STORE_IMPORT_ALREADY_H

#include <stdint.h>

#include "store/sqlite.h"

#define ALREADY_S 300 /* of a bucket of flow_range */

/* All that an imported row says; texts as in the log, NULL = unknown. */
enum {
	ALREADY_NUMBERS = 16,
	ALREADY_TEXTS = 12
};
struct already_row {
	int64_t number[ALREADY_NUMBERS]; /* contime first; the order is that of the question in already.c */
	const char *text[ALREADY_TEXTS];
	const unsigned char *sha256[3]; /* NULL: none */
};

struct already;
struct already *already_new(struct sqlite *); /* NULL: no memory */
void already_free(struct already *);

/* Will already_seen() look at other 5 minutes than last time? Then rows it was not seen for must be written.
 */
bool already_moves(const struct already *, int64_t contime_s);

/* 1: one such row is there, beside those that were asked for before; 0: none; -errno. */
int already_seen(struct already *, const struct already_row *);

#endif
