/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * health.h - every counter of things lost between kernel and pipe, polled once per window; what grew becomes
 * a loss record. A healthy machine makes none.
 */
#ifndef FEMTOSNITCH_HEALTH_H
#define FEMTOSNITCH_HEALTH_H

#include "collector/probe.h"
#include "collector/record.h"

/* What was said of the kernel's counters stands beside them, in struct wire_shared. */
struct health {
	uint64_t dropped;
	uint64_t dropped_bytes;
	uint64_t skipped; /* at the last look */
};

/* How many runs that the kernel skipped nobody made up for. looked: as the counters say it now, in which a
 * task that was stopped between a program and its repeats looks like one until it goes on; it is often we who
 * stop it, so what the next look says no more was none. */
uint64_t health_skipped(struct health *, uint64_t looked);

/* Say what was lost since the last call, in the time from..to. */
void health_poll(struct health *, struct probe *, const struct record *, wire_ns from, wire_ns to);

#endif
