/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * retention.h - removes what is too old or too much, oldest first (by time: ids only mostly rise with it), in slices of RETENTION_SLICE rows, each
 * its own transaction, so that no window waits for it. Rollups go with the rows of their time; images and
 * addresses when nothing was seen of them since; programs stay (RETENTION_PROGRAMS_MAX of them) so that what
 * was known stays known. What a copy has not taken yet stays whatever its age, up to the size; what goes then
 * is a loss of its own. With "DB sql log" false, flows go as soon as the copy has them.
 */
#ifndef FEMTOSNITCH_STORE_RETENTION_H
#define FEMTOSNITCH_STORE_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "config/settings.h"
#include "store/losses.h"
#include "store/sqlite.h"

#define RETENTION_SLICE 20000
#define RETENTION_PROGRAMS_MAX 65536
#define RETENTION_LOSSES_MAX 65536

struct retention {
	size_t table;	   /* of the interned ones, being looked at while sweeping */
	int64_t cursor;	   /* ids below were looked at */
	int64_t horizon_s; /* contime of the oldest row there may be */
	int64_t copied;	   /* windows up to this number are elsewhere too; INT64_MAX: no copy is wanted */
	bool sweeping;	   /* images and addresses of the time before horizon_s are being looked at */
	bool rows_next;	   /* whose turn it is when there is too much */
};

/* One slice. 1: more is to be done, 0: nothing is, else -errno. What goes because of the size is added to
 * losses, which the caller writes. */
int retention_run(struct retention *, struct sqlite *, const struct settings *, struct losses *,
		  int64_t now_s);

#endif
