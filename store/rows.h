/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rows.h - the rows of connections: what each refers to, its sums by time, the window of the chain that it is
 * in. Inside the caller's transaction; after a rollback all row ids must be forgotten (rows_forget(),
 * records_forget() and the *_forget_rows() of the owners).
 */
#ifndef FEMTOSNITCH_STORE_ROWS_H
#define FEMTOSNITCH_STORE_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "config/settings.h"
#include "store/batch.h"
#include "store/geoip.h"
#include "store/records.h"
#include "store/sqlite.h"

struct rows;
struct rows *rows_new(struct sqlite *, struct records *, struct geoip *); /* all kept; NULL: no memory */
void rows_free(struct rows *);
void rows_begin(struct rows *); /* with a database that was just opened */
void rows_forget(struct rows *);

/* A row that did not come through the pipeline: of a log that another program kept. */
struct foreign_row {
	struct batch_entry entry; /* times of its own, so none is added to another */
	bool laddr_known, raddr_known;
};

/* All of these: one window of the chain. 0 or -errno. */
int rows_batch(struct rows *, const struct settings *, const struct batch *);
int rows_foreign(struct rows *, const struct settings *, const struct foreign_row *rows, size_t count);
int rows_none(struct rows *); /* without a row: only hashes that came late are told in it */

/* How many hashes that came late were told since the last call. */
uint64_t rows_late(struct rows *);

#endif
