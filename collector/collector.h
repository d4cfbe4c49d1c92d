/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collector.h - the one collector of this process, and the order of its life: start.c, then loop.c.
 */
#ifndef FEMTOSNITCH_COLLECTOR_H
#define FEMTOSNITCH_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/health.h"
#include "collector/journal.h"
#include "collector/late.h"
#include "collector/libc.h"
#include "collector/naming.h"
#include "collector/probe.h"
#include "collector/record.h"
#include "collector/selftest.h"
#include "collector/sweep.h"
#include "config/stage.h"

#define OUT_BOUND (8 << 20)	 /* bytes of frames that may wait for the hasher */
#define OUT_HIGH (OUT_BOUND / 2) /* past this the ring is not read */

struct collector {
	struct stage stage;
	struct probe *probe;
	struct journal *journal; /* NULL: nobody keeps what we have while we do not run */
	struct record record;
	struct health health;
	struct sweep *sweep;
	struct late *late;
	struct libc *libc;
	const char *libc_missing; /* why there is none; NULL: nobody asked for it */
	struct naming *naming;
	int answers; /* 0: not wanted so far; else the link, or why there is none: see answer_watch() */
	struct selftest_result proven; /* by the self-test */
	uint64_t flush_id;	       /* of the sweep under way */
	uint64_t flush_next;	       /* asked for during it */
	struct wire_window window;     /* that waits for its names until hold_until_ms; 0: none does */
	int64_t hold_until_ms;	       /* CLOCK_MONOTONIC */
	wire_ns window_from;
	wire_ns since_ns; /* end of the last window of the run that we took over from; 0: we began */
	wire_ns ready_ns;
	int64_t window_due_ms; /* CLOCK_MONOTONIC */
	int epoll_fd;
	int clock_fd;
	bool stop_ordered;
	bool stopping;
};

/* Load, or take over from the run before; look at what was there before; prove that it works; say so
 * downstream. Exits after a message if nothing can be watched. */
void start_run(struct collector *);

/* More is watched than was: say so, and leave it to the next run, too. had: how many descriptors the probe
 * held before. */
void start_more(struct collector *, unsigned had);

/* Say again downstream what is proven and what runs. */
void start_say(struct collector *);

/* What "Log ignore" needs, as long as we may. After the loader was started, which must not hold it too. */
void start_answers(struct collector *);

/* `--doctor`: the same, told on standard output, and nothing stays. The exit code. */
int start_doctor(void);

/* Hand on what the kernel says until the end of the file at the head, then the last window. */
void loop_run(struct collector *);

/* Did time break since the clock was synchronised last? Then end the window by the old clock, say the loss,
 * and begin the next window by the new one. */
void loop_clock(struct collector *);

#endif
