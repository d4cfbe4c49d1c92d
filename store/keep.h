/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keep.h - when to write, and what to do when that fails. Owns the database and everything that goes into it.
 *
 * What cannot be written stays in memory, where windows are added up (no byte is lost, only when exactly it
 * moved), until BATCH_MAX rows; then the rest is counted as a loss. It is tried again every KEEP_RETRY_S.
 * A damaged snitch.db is moved aside, not deleted, and a new one begun: watching goes on, and the loss is
 * said. One that is newer than this program, or not ours, is left alone: the process ends with exit code 2.
 */
#ifndef FEMTOSNITCH_STORE_KEEP_H
#define FEMTOSNITCH_STORE_KEEP_H

#include "config/stage.h"
#include "store/copied.h"
#include "store/coverage.h"
#include "store/facts.h"
#include "store/geoip.h"
#include "store/heartbeat.h"
#include "store/intake.h"
#include "store/interfaces.h"
#include "store/libraries.h"
#include "store/retention.h"
#include "store/sqlite.h"
#include "store/tell.h"
#include "store/textlog.h"
#include "store/writer.h"

#define KEEP_RETRY_S 2
#define KEEP_OWN_S 600	       /* our own traffic alone is not a reason to write before this */
#define KEEP_NEWS_S 60	       /* nor are ignored bytes */
#define KEEP_SIGHTING_MS 500   /* between two early writes of new programs */
#define KEEP_INTRODUCE_MS 5000 /* after the first start: what runs is known by then */

struct keep {
	struct stage *stage;
	struct intake in;
	struct sqlite db;
	struct writer *writer;
	struct tell *tell;
	struct geoip *geoip;
	struct copied copied;
	struct interfaces *interfaces;
	struct libraries *libraries;
	struct retention retention;
	struct heartbeat heartbeat;
	struct facts facts;
	struct coverage coverage;
	struct textlog conn_log, error_log;
	int trouble;	      /* -errno that was said, 0 = all is well */
	int64_t retry_ms;     /* monotonic: not before */
	int64_t written_ms;   /* when the last window was */
	int64_t sighting_ms;  /* the next early write of new programs, not before */
	int64_t introduce_ms; /* the first start of all: when what runs is said to be known; 0 = it was */
	int64_t known_ms;     /* record.json, not before */
	bool known_old;	      /* it lacks something */
	int64_t changes_ms;   /* the next look at changes, not before */
	int64_t trimmed_ms;   /* when memory was given back */
	int64_t retention_ms; /* next look at it */
	bool ready;	      /* we said so */
	wire_ns window_to;    /* of the last whole window, not yet durable; 0 = none */
	uint64_t rows;	      /* written since the last window ended */
	uint64_t news;	      /* wire_committed.news since then */
	uint64_t flush_id;    /* that asked for it */
	wire_ns gap_from;     /* we did not watch since; 0 = said, or no earlier run */
};

/* Opens all; exits on what can not be helped. The stage's settings are followed. */
void keep_open(struct keep *, struct stage *);

void keep_watching(struct keep *); /* the stages before us work: what was not watched is over */
void keep_covers(struct keep *, const struct wire_ready *);  /* what a stage before us watches */
void keep_ready(struct keep *);				     /* says that we work, when they do */
void keep_resume(struct keep *, const struct wire_resume *); /* facts are numbered from here on */
void keep_flow(struct keep *, const struct wire_flow *);
void keep_window(struct keep *, const struct wire_window *); /* answers WIRE_COMMITTED, now or when it can */
void keep_loss(struct keep *, const struct wire_loss *);
void keep_error(struct keep *, const struct wire_error *);
void keep_settings(struct keep *, const struct wire_settings *);
void keep_order(struct keep *, const struct wire_order *); /* answers WIRE_DONE */
void keep_verdict(struct keep *, const struct wire_verdict *);
void keep_sink(struct keep *, const struct wire_sink *);

/* What is due by time. busy: more frames wait. Returns milliseconds until there may be more, -1 = never. */
int keep_timers(struct keep *, int busy);

void keep_close(struct keep *); /* end of input: everything is written, or said to be lost */

#endif
