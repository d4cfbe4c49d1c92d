/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock.h - turns the jiffies of kernel records into unix time, and notices when time itself broke: the
 * machine slept, or somebody set the wall clock. No I/O but reading clocks.
 */
#ifndef FEMTOSNITCH_CLOCK_H
#define FEMTOSNITCH_CLOCK_H

#include <stdint.h>

#include "bpf/wire.h"

struct clock_reading {
	int64_t real_ns, boot_ns, mono_ns; /* clock_gettime(2) */
};

struct clock {
	struct clock_reading now, before; /* at the last two clock_sync() */
	uint64_t jiffies_now, jiffies_before;
};

enum clock_break {
	CLOCK_STEADY,
	CLOCK_SLEPT,  /* CLOCK_BOOTTIME ran ahead of CLOCK_MONOTONIC */
	CLOCK_JUMPED, /* CLOCK_REALTIME moved against CLOCK_BOOTTIME */
};

struct clock_reading clock_read(void);

/* Nanoseconds in a jiffy: what CLOCK_MONOTONIC_COARSE resolves (clock_getres(2)). */
uint64_t clock_tick_ns(void);

/* jiffies and reading were taken at about the same moment. */
void clock_sync(struct clock *, uint64_t jiffies, struct clock_reading);

/* Compare a reading with the last sync. A difference below one second is no break: NTP slews. *by_ns: how
 * long it slept, or by how much (signed) the clock was moved. */
enum clock_break clock_compare(const struct clock *, struct clock_reading, int64_t *by_ns);

/* The unix time of a jiffy. Those before the last sync are told by the sync before it, so that a break
 * between the two does not move them. 0 stays 0. */
wire_ns clock_unix(const struct clock *, uint64_t jiffies);

#endif
