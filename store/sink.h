/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sink.h - the copies of the log elsewhere, as the store sees them: one process each, started when the
 * settings ask for it, woken when a window with traffic of others was written, started again when it dies.
 * The store keeps how far each got (table sink), in the transaction of the next window or SINK_KEEP_S later.
 */
#ifndef FEMTOSNITCH_STORE_SINK_H
#define FEMTOSNITCH_STORE_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "config/stage.h"
#include "store/sqlite.h"

#define SINK_KEEP_S 30
#define SINK_KEEP_WINDOWS 256 /* or when so many more are there */
/* Behind the last window that snitch.db knows of, so many may be there already: twice what is not kept, and
 * what is on its way (store/postgres/copy.h). */
#define SINK_UNSURE 1024

struct sink;
/* error: what the sink says to the user. NULL: no memory. */
typedef void sink_error_fn(void *arg, const struct wire_error *);
struct sink *sink_new(struct stage *, sink_error_fn *error, void *arg);
void sink_free(struct sink *); /* ends it */

bool sink_wanted(const struct sink *); /* by the settings: flows are kept for it */

/* The settings, or the file, are other ones: it starts anew. */
void sink_begin(struct sink *, struct sqlite *);
void sink_end(struct sink *, struct sqlite *); /* for good: how far it got is kept */
void sink_wake(struct sink *);		       /* a window is durable */

/* Windows up to this number are there, INT64_MAX if no copy is wanted. */
int64_t sink_acked(const struct sink *);

int sink_fd(const struct sink *); /* to poll for reading; -1 = none */
/* What it said, what is due. Returns milliseconds until more is due, -1 = never. */
int sink_serve(struct sink *, struct sqlite *);

/* Inside a transaction: how far it got. 0 or -errno; then, when that is durable, sink_kept(). */
int sink_keep(struct sink *, struct sqlite *);
void sink_kept(struct sink *);

#endif
