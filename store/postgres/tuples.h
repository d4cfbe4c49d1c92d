/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tuples.h - rows as COPY ... (FORMAT binary) takes them ("Binary Format" of the manual's page on COPY), in a
 * buffer that is sent piece by piece. Nothing in them needs to be quoted.
 */
#ifndef FEMTOSNITCH_STORE_POSTGRES_TUPLES_H
#define FEMTOSNITCH_STORE_POSTGRES_TUPLES_H

#include "store/history.h"
#include "store/layout.h"

#define TUPLES_PIECE (64 * 1024) /* time to send; one row more may be in it */

struct tuples {
	char *data;
	size_t len, size;
	uint32_t rows;	  /* since tuples_begin() */
	char prefix[128]; /* the constant columns, as each row has them */
	size_t prefix_len;
	bool failed; /* no memory: it is not whole */
};

void tuples_log(struct tuples *, const struct layout *, const void *host, const void *log,
		const char *hostname);
void tuples_begin(struct tuples *); /* what comes first */
void tuples_add(struct tuples *, const struct layout *, const struct content_value *row);
void tuples_end(struct tuples *); /* what comes last */
void tuples_free(struct tuples *);

#endif
