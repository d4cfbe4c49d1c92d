/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch.h - hands a program's file to the process that uploads it, which has no right to open it itself: a
 * descriptor over a socket that the supervisor made (handover.h). What is handed out is the file that lies at
 * the path now, if what we know of it (cache.h, known.h) says that these very bytes were executed: the same
 * device, inode number, ctime and size have that SHA-256. Anything else is refused with a reason; the order
 * comes from a process that talks to the network.
 *
 * Opening may wait for a server, and is done by a crew. Bound: FETCH_MAX at a time, more are refused.
 */
#ifndef FEMTOSNITCH_HASHER_FETCH_H
#define FEMTOSNITCH_HASHER_FETCH_H

#include <stdbool.h>

#include "bpf/wire.h"
#include "config/stage.h"
#include "hasher/versions.h"

#define FETCH_MAX 4

struct fetch {
	struct stage *stage;
	struct versions *versions;
	struct crew *crew; /* NULL until the first order */
};

void fetch_open(struct fetch *, struct stage *, struct versions *); /* borrows both */
void fetch_close(struct fetch *);

void fetch_order(struct fetch *, const struct wire_fetch *); /* checked; answers at once if it is refused */

int fetch_fd(const struct fetch *); /* readable: results; -1: nothing to wait for yet */
bool fetch_result(struct fetch *);  /* take one: a WIRE_FETCHED. False: there is none */
void fetch_check(struct fetch *);   /* now and then: time limits */
bool fetch_busy(const struct fetch *);

#endif
