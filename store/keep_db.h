/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keep_db.h - the life of the database; the other half of keep.c, which alone includes it.
 */
#ifndef FEMTOSNITCH_STORE_KEEP_DB_H
#define FEMTOSNITCH_STORE_KEEP_DB_H

#include "store/keep.h"

int64_t keep_now_ms(void); /* CLOCK_MONOTONIC */

void keep_db_first(struct keep *); /* at the start: exits 2 when the file must not be touched */
int keep_db_reopen(struct keep *); /* not before retry_ms. 0 or k->trouble */
int keep_db_works(const struct keep *, char *why, size_t size); /* why: for the ready line */
void keep_db_well(struct keep *);				/* something was written: trouble is over */

/* Say it, once; set the time of the next try; drop or replace the file where that helps. Returns rc. */
int keep_db_trouble(struct keep *, int rc);

#endif
