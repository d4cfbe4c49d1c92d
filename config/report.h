/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.h - what the supervisor knows of its chain from the frames that came back: coverage, losses, errors,
 * last commit. It logs what a user must know, without repeating itself, and prints all of it for `status`.
 */
#ifndef FEMTOSNITCH_REPORT_H
#define FEMTOSNITCH_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bpf/wire.h"

#define REPORT_NOTICES_MAX 8192 /* bytes of notices kept; more are only logged */

struct report_loss {
	uint64_t times, records, bytes;
	uint64_t said_times, said_records, said_bytes; /* of these, already in the log */
	int64_t said_ms;			       /* when, 0 = never */
};

struct report {
	char *coverage[WIRE_STAGE__MAX]; /* text of WIRE_READY; NULL: not ready */
	char *messages[WIRE_STAGE__MAX]; /* the last WIRE_ERROR of each, with its time */
	char *notices;			 /* one line each */
	struct report_loss losses[WIRE_LOSS__MAX];
	wire_ns window_ns;  /* end of the last window written */
	uint64_t commit_us; /* what that took */
	uint64_t rows;	    /* written since the start */
	uint64_t windows;
	struct wire_sink sinks[WIRE_STAGE__MAX]; /* as last heard, if said */
	bool sink_said[WIRE_STAGE__MAX];
	char *sink_error[WIRE_STAGE__MAX];  /* NULL: none since it last went well */
	struct wire_interfaces interfaces; /* as last heard; to_ns 0: not yet */
	unsigned errors_said;		   /* in the minute that began at errors_ms */
	uint64_t errors_kept;		   /* not logged in it */
	int64_t errors_ms;
};

void report_free(struct report *);

/* Notices of the settings: forget the old ones, add one line (logged too). */
void report_notices_clear(struct report *);
void report_notice(struct report *, const char *line);

void report_ready(struct report *, const struct wire_ready *);
bool report_all_ready(const struct report *);
void report_say_ready(const struct report *); /* the line "femtosnitch: ready ..." */

void report_loss(struct report *, const struct wire_loss *, int64_t now_ms);
void report_error(struct report *, const struct wire_error *, int64_t now_ms);
void report_committed(struct report *, const struct wire_committed *);
void report_interfaces(struct report *, const struct wire_interfaces *);
void report_sink(struct report *, const struct wire_sink *);

/* Log what was held back; call it now and then. */
void report_tick(struct report *, int64_t now_ms);

/* Coverage, windows, losses, last messages and notices as "key: value" lines. */
void report_print(const struct report *, FILE *);

#endif
