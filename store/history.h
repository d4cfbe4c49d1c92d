/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history.h - reads the log window by window, as it was committed: for the chain, the copies and the check.
 * A hash that came after the window is not shown in it: the table late says which images waited, until when.
 * Reads only, in the caller's transaction or in one per statement.
 */
#ifndef FEMTOSNITCH_STORE_HISTORY_H
#define FEMTOSNITCH_STORE_HISTORY_H

#include "store/content.h"
#include "store/sqlite.h"

#define HISTORY_HOSTNAME 65
#define HISTORY_PENDING_SIZE 64

/* A start of the store: the log id that its windows have. */
struct history_run {
	int64_t id; /* 0 = none was read */
	unsigned version;
	unsigned char host[CONTENT_ID], log[CONTENT_ID];
	char hostname[HISTORY_HOSTNAME];
};

struct history_window {
	int64_t seq, run, time_s, first, flows, late, losses;
	bool anchor; /* retention has removed flows of it */
	unsigned char hash[CONTENT_HASH];
};

struct history_image {
	unsigned char digest[CONTENT_HASH];
	const struct content_value *values; /* COLUMNS_N_IMAGE */
	const char *pending;		    /* NULL: nothing is */
};

struct history_flow {
	int64_t id;
	const struct content_value *values; /* COLUMNS_N_FLOW */
	const unsigned char *image;	    /* its digest */
};

struct history;
/* all: also the columns that are not hashed, else they are NULL. NULL: no memory. */
struct history *history_new(struct sqlite *, bool all);
void history_free(struct history *);

/* What was read before may be different now: call it at the begin of a transaction. */
void history_forget(struct history *);

/* Called for each image that a flow refers to, before the flow; the same one may come again. 0 goes on. */
typedef int history_image_fn(void *arg, const struct history_image *);
typedef int history_flow_fn(void *arg, const struct history_flow *);

/* The first window behind seq. 1: found, 0: there is none, -errno. */
int history_next(struct history *, int64_t seq, struct history_window *);
int history_run(struct history *, int64_t id, struct history_run *); /* 0, -ENOENT or -errno */

/* Flows with ids from first to last, in this order. image may be NULL. 0, what a function returned, -errno.
 */
int history_flows(struct history *, const struct history_run *, int64_t first, int64_t last,
		  history_image_fn *image, history_flow_fn *flow, void *arg);

/* The losses that a window tells, by their number in it. fn: values are COLUMNS_N_LOSS. 0, what fn returned,
 * or -errno. */
typedef int history_loss_fn(void *arg, int64_t n, const struct content_value *values);
int history_losses(struct history *, int64_t seq, history_loss_fn *fn, void *arg);

/* The image of a row as it is now, or with the hashes of some generations pending. fn may be NULL. 0, what fn
 * returned, or -errno. */
int history_image(struct history *, const struct history_run *, int64_t image, unsigned pending,
		  history_image_fn *fn, void *arg, unsigned char digest[CONTENT_HASH]);

#endif
