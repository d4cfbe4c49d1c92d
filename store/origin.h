/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * origin.h - the rows of the table origin: country and network of an address as the databases of this day
 * say. Inside the caller's transaction; after a rollback origin_forget() must be called.
 */
#ifndef FEMTOSNITCH_STORE_ORIGIN_H
#define FEMTOSNITCH_STORE_ORIGIN_H

#include "store/geoip.h"
#include "store/sqlite.h"

struct origin;
/* Both are kept; without geoip nothing is known: rows of another day. NULL: no memory. */
struct origin *origin_new(struct sqlite *, struct geoip *);
void origin_free(struct origin *);
void origin_forget(struct origin *);

/* The row's id, 0 = nothing is known, -errno. now_s is the time of use. */
int64_t origin_row(struct origin *, int family, const uint8_t addr[16], int64_t now_s);

#endif
