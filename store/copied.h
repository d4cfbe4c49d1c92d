/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * copied.h - how far the copies of the log elsewhere are, as their processes say (table sink): each begins
 * there again. Kept in the transaction of the next window, or COPIED_KEEP_S later, or when so many windows
 * more are there; what is not kept when a copy begins again is sent again, and not put in twice.
 */
#ifndef FEMTOSNITCH_STORE_COPIED_H
#define FEMTOSNITCH_STORE_COPIED_H

#include "bpf/wire.h"
#include "config/settings.h"
#include "store/sqlite.h"

#define COPIED_KEEP_S 30
#define COPIED_KEEP_WINDOWS 256

/* Of all zeroes: none. */
struct copied {
	int64_t said[WIRE_STAGE__MAX], kept[WIRE_STAGE__MAX]; /* chain.seq; in memory, in snitch.db */
	int64_t kept_ms;				      /* when all was kept last; monotonic */
};

void copied_begin(struct copied *, struct sqlite *); /* a start, or another file */

/* What is about another file is forgotten. */
void copied_said(struct copied *, const struct sqlite *, const struct wire_sink *);

/* Windows up to this number are in every copy that is wanted, INT64_MAX if none is. */
int64_t copied_until(const struct copied *, const struct settings *);

/* Inside a transaction: write it. 0 or -errno; then, when that is durable, copied_kept(). */
int copied_keep(const struct copied *, struct sqlite *);
void copied_kept(struct copied *);

/* Write it if it is due. Returns milliseconds until it is, -1 = there is nothing to write. */
int copied_serve(struct copied *, struct sqlite *);
void copied_end(struct copied *, struct sqlite *); /* now */

#endif
