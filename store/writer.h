/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * writer.h - one window, one transaction: rows, rollups, programs, losses, and how far we got. Either all of
 * it becomes durable or nothing is changed, here or in memory, and the caller may try again.
 */
#ifndef FEMTOSNITCH_STORE_WRITER_H
#define FEMTOSNITCH_STORE_WRITER_H

#include <stdbool.h>

#include "config/settings.h"
#include "store/batch.h"
#include "store/copied.h"
#include "store/geoip.h"
#include "store/interfaces.h"
#include "store/losses.h"
#include "store/rows.h"
#include "store/sqlite.h"
#include "store/tell.h"

struct writer;
/* NULL: no memory. All of these are kept, not copied; geoip may be NULL. */
struct writer *writer_new(struct sqlite *, struct programs *, struct images *, struct interfaces *,
			  struct tell *, struct geoip *);
void writer_free(struct writer *);

/* How far this commit takes us. */
struct writer_mark {
	wire_ns window_to;     /* end of the last whole window in it, 0 = part of a window */
	uint64_t journal;      /* which numbering of facts, 0 = none */
	uint64_t facts;	       /* number of the first that is not in it */
	struct copied *copied; /* how far the copies are */
};

/* Write all that waits. Nothing to write: 0 without a transaction. Returns rows written (of flow), or -errno.
 * batch and losses are left as they are. */
int64_t writer_commit(struct writer *, const struct settings *, const struct batch *, struct losses *,
		      const struct writer_mark *);

/* Write rows_foreign(), as one window of the chain, inside the caller's transaction. 0 or -errno; then it is
 * to be rolled back, and writer_forget() called. */
int writer_rows(struct writer *, const struct settings *, const struct foreign_row *rows, size_t count);

/* The row of a program that another log knew (tell_old()), inside the caller's transaction; the same. */
int writer_program(struct writer *, struct program *, int64_t now_s);

/* Programs that used the network and are not known yet become known at once, WRITER_SIGHTINGS at a time, and
 * what is to be told is written; writer_commit() does the same for all that are left. 0 or -errno. */
#define WRITER_SIGHTINGS 512
int writer_first_sightings(struct writer *);

/* The first start of all: what runs is known. 0 or -errno. */
int writer_introduce(struct writer *, int64_t now_s);

/* What VirusTotal says of a content. 0 or -errno. */
int writer_verdict(struct writer *, const struct wire_verdict *);

/* The last event that became durable since the last call, 0 = none. */
int64_t writer_event(struct writer *);

/* How many hashes that came late were told since the last call. */
uint64_t writer_late(struct writer *);

void writer_trim(struct writer *); /* give cache memory back */

void writer_begin(struct writer *); /* with a database that was just opened */

/* Rows are not what memory believes they are: settings changed, or the file was replaced. */
void writer_forget(struct writer *);

#endif
