/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reader.h - what a server of one kind does for the check of a copy (verify/), as driver.h has it for
 * writing. It connects and asks; what is asked is SQL that each of them understands (verify/question.h), but
 * for what is in `column` and `literal`.
 */
#ifndef FEMTOSNITCH_STORE_READER_H
#define FEMTOSNITCH_STORE_READER_H

#include "bpf/wire.h"
#include "store/content.h"
#include "store/layout.h"

/* All values come as text: NULL, or len bytes. 0 goes on. */
typedef int reader_row_fn(void *arg, const struct content_value *row);

struct reader_form {
	const char *before, *behind;
};

struct reader {
	enum wire_stage stage; /* whose copies it reads */
	char quote;	       /* around the name of a column */

	/* Around a column, so that it comes as digits: of bytes hexadecimal ones, of a time unix seconds.
	 * Text comes as it is. */
	struct reader_form column[LAYOUT_TYPE__MAX];
	struct reader_form literal[LAYOUT_TYPE__MAX]; /* around such digits, so that they are a value */

	void *(*make)(void); /* NULL: no memory */
	void (*free)(void *);

	/* These return 0, what fn returned, or -EIO after a message. */

	/* All that is read from now on was there at one point in time. where: as in "DB sql server", a text
	 * without quotes; table: NULL = as said there, or the usual one. */
	int (*open)(void *, const char *where, const char *table);
	int (*ask)(void *, const char *sql, reader_row_fn *, void *arg); /* fn may ask too */
	/* The same of more rows than fit in memory, of numbers and ids; one walk at a time, fn may ask. */
	int (*walk)(void *, const char *sql, reader_row_fn *, void *arg);

	void (*table)(const void *, enum layout_name, char *buf, size_t size); /* its name, quoted */
};

#define READER_TABLE_SIZE 300
#define READER_VALUE_SIZE 65 /* of a walk: digits of a hash, and NUL */

#endif
