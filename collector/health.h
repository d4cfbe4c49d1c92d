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
};

/* Say what was lost since the last call, in the time from..to. */
void health_poll(struct health *, struct probe *, const struct record *, wire_ns from, wire_ns to);

#endif
