/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * question.h - asks for rows of a copy, by the tables of layout.h, of whatever server. What fails has been
 * said when a function returns.
 */
#ifndef FEMTOSNITCH_STORE_VERIFY_QUESTION_H
#define FEMTOSNITCH_STORE_VERIFY_QUESTION_H

#include "store/reader.h"

struct question {
	const struct reader *reader;
	void *link;
	unsigned char host[CONTENT_ID]; /* only what is of this host */
};

struct question_part {
	const unsigned char *log;   /* of this log; NULL: of all */
	const unsigned char *image; /* with this digest; NULL: with any */
	int64_t behind, last;	    /* numbers, if log is not NULL */
	const char *order;	    /* columns */
	unsigned limit;		    /* 0 = none */
};

/* Values by their type (content_value), bytes as text; in the order of the layout: for windows all columns,
 * for others those behind the constant ones. 0, what fn returned, or -EIO. */
typedef int question_row_fn(void *arg, const struct content_value *row);
int question_rows(const struct question *, enum layout_name, const struct question_part *, question_row_fn *,
		  void *arg);
int question_windows(const struct question *, question_row_fn *, void *arg); /* all, by number and log */

/* How many rows are of no window, of those from number on. 0 or -EIO. */
int question_strays(const struct question *, enum layout_name, int64_t from, int64_t *n);

struct question_sums {
	int64_t flows;	/* that are there */
	int64_t told;	/* flows that windows tell */
	int64_t oldest; /* number of a window, 0: there is none */
};
int question_sums(const struct question *, struct question_sums *); /* 0 or -EIO */

#endif
