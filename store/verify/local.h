/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * local.h - is the chain of a snitch.db whole? Prints what it finds.
 */
#ifndef FEMTOSNITCH_STORE_VERIFY_LOCAL_H
#define FEMTOSNITCH_STORE_VERIFY_LOCAL_H

#include "store/history.h"

/* What a chain consists of, as far as it was found good. */
struct local_seen {
	int64_t windows, flows; /* whose hash is right */
	int64_t last_seq;
};

/* Each window that was found good, with its hash. */
typedef void local_window_fn(void *arg, const struct history_run *, const struct history_window *);

/* Inside a transaction of the caller's. 0: whole, 1: broken (said where), -errno: could not be read. */
int local_check(struct sqlite *, struct local_seen *, local_window_fn *, void *arg);

#endif
