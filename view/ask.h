/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ask.h - runs a question and writes its rows in a format, one at a time. */
#ifndef FEMTOSNITCH_VIEW_ASK_H
#define FEMTOSNITCH_VIEW_ASK_H

#include "view/query.h"
#include "view/rows.h"

struct answer {
	int64_t rows; /* written */
	bool more;    /* the limit left some out */
};

/* Rows of q into to (columns is set here). 0, or -errno: said what is wrong;
 * -EINTR after Ctrl-C is not said. */
int ask_rows(sqlite3 *db, const struct query *q, const struct format *, struct output *to, struct answer *);

/* One number that a SELECT of query.h gives for q. 0, -ENOENT if there is none (or NULL), -errno. */
int ask_number(sqlite3 *db, const struct query *q, const char *sql, int64_t *number);

/* Texts, the first column of each row: each(arg, text, len). 0 or -errno. */
int ask_texts(sqlite3 *db, const struct query *q, const char *sql, void (*each)(void *, const char *, size_t),
	      void *arg);

/* Ctrl-C stops the statement that runs on db (NULL: none any more); the second one kills. */
void ask_interrupted_by_sigint(sqlite3 *db);

#endif
