/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chain.h - every transaction that writes flows becomes a link of a chain: its SHA-256 is over what it says
 * (content.h) and over the link before it, so that nothing written can be changed, removed or put in without
 * breaking it from there on. All calls but chain_begin() run inside the caller's transaction.
 *
 * A log has an id of 128 random bits, made with the database and again at each start: a restored copy or a
 * cloned machine goes on under another one, and never says two things under the same number. Ids of flows and
 * numbers of windows only rise.
 */
#ifndef FEMTOSNITCH_STORE_CHAIN_H
#define FEMTOSNITCH_STORE_CHAIN_H

#include "store/history.h"

struct chain;
struct chain *chain_new(struct sqlite *); /* NULL: no memory */
void chain_free(struct chain *);

void chain_begin(struct chain *); /* a start, or another file: a new log id */

/* The id of the next flow, > 0, or -errno. */
int64_t chain_next_flow(struct chain *);

/* Flows first to first + flows - 1 were written, perhaps none. How many hashes that came late, and
 * losses, the window tells, or -errno. */
int64_t chain_seal(struct chain *, int64_t first, int64_t flows, int64_t time_s);

/* The hash of that row of program, or of every one that is pending, is about to be known. 0 or -errno. */
int chain_late(struct sqlite *, int64_t program);
int chain_late_all(struct sqlite *);

/* Retention removed flows with ids from first to last, perhaps not all of them. Windows that lack some become
 * anchors, whose content the check passes over; of those the chain begins with, only the last one stays.
 * copied: windows up to this number are elsewhere too, INT64_MAX: no copy is wanted. 0 or -errno. */
int chain_removed(struct sqlite *, int64_t first_flow, int64_t last_flow, int64_t copied);

#endif
