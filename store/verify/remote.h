/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * remote.h - is the copy on a server whole, and does it say what the local log says? Prints what it finds.
 * Needs only the rights of femtosnitch_reader.
 */
#ifndef FEMTOSNITCH_STORE_VERIFY_REMOTE_H
#define FEMTOSNITCH_STORE_VERIFY_REMOTE_H

#include "store/history.h"
#include "store/reader.h"

struct remote;

/* where, table: as in reader.h. NULL after a message. */
struct remote *remote_open(const struct reader *, const char *where, const char *table);
void remote_close(struct remote *);

/* A window of the local log that was found good: the copy must have it, with the same hash, if it has later
 * ones of that log. */
void remote_local_window(struct remote *, const struct history_run *, const struct history_window *);

/* Check all of this host there, from the oldest window on; after the local ones were told. host: the local
 * log's; acked: the last window that the server took, as the local log knows. 0: whole and the same, 1:
 * broken (said where), -errno: could not be read. */
int remote_check(struct remote *, const unsigned char host[CONTENT_ID], int64_t acked);

#endif
