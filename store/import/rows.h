/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rows.h - the rows of a picosnitch database, whichever version wrote it, as one shape. Values are as they
 * stand there, only of the right type; what they mean is take.c's business.
 *
 * Recognised by their tables: snitch.db of version 1 (one table), picosnitch.db of version 2 (connections,
 * executables, domains, addresses).
 */
#ifndef FEMTOSNITCH_STORE_IMPORT_ROWS_H
#define FEMTOSNITCH_STORE_IMPORT_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "store/import/foreign.h"

#define ROWS_TEXT_MAX 32768 /* longer ones are cut */

struct rows_text {
	const char *bytes; /* not ended by a NUL; valid until the next row */
	size_t len;
};

struct rows_program {
	struct rows_text exe, name, cmdline, sha256;
};

struct rows_row {
	const char *bad; /* why it cannot be understood; then nothing below counts */
	unsigned cut;	 /* texts that were */
	int64_t contime_s, send, recv, events, uid, family, protocol, netns, lport, rport;
	struct rows_program who[3]; /* itself, its parent, the parent's parent */
	struct rows_text laddr, raddr, domain;
};

struct rows;
/* NULL after a message: not one of picosnitch's, or damaged. */
struct rows *rows_open(struct foreign *);
void rows_close(struct rows *);
int rows_version(const struct rows *); /* of picosnitch: 1, 2 */

/* By time. 1: *row is filled, 0: that was the last, -EUCLEAN after a message: the file is damaged. */
int rows_next(struct rows *, struct rows_row *row);

/* Say which tables and columns there are beside those that are read. */
void rows_say_rest(struct rows *);

#endif
