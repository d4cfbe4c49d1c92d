/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queue.h - what is to be asked next: snitch.db knows which contents have no verdict, or one that is old, so
 * the queue survives whatever happens to us. Opened read-only, and only while it is read.
 */
#ifndef FEMTOSNITCH_STORE_VIRUSTOTAL_QUEUE_H
#define FEMTOSNITCH_STORE_VIRUSTOTAL_QUEUE_H

#include <stdint.h>

#include "bpf/wire.h"

#define QUEUE_AGAIN_S (7 * 86400) /* a verdict is asked for again after so long */
#define QUEUE_UNKNOWN_S (86400)	  /* one that nobody knew */
#define QUEUE_UPLOADED_S (120)	  /* after an upload, then each time after as long as it has been */

struct queue_item {
	uint8_t sha256[WIRE_SHA256_SIZE];
	int64_t uploaded_s;	 /* when it was, 0 = never */
	char exe[WIRE_PATH_MAX]; /* where it ran last, "" = not known */
};

/* The next content: new ones first, the newest of them first, then those whose verdict is old; the one that
 * failed last (NULL: none did) behind all that are due, so that it does not hold them up. 1: item is filled,
 * 0: there is none (and *due_s, when the next will be, 0 = never), -EIO: snitch.db cannot be read now. */
int queue_next(const char *state_dir, int64_t now_s, const uint8_t *failed, struct queue_item *item,
	       int64_t *due_s);

/* When we last asked, by all runs: kept in a file beside snitch.db, written before the request is. */
int64_t queue_last_request(const char *state_dir);
void queue_requested(const char *state_dir, int64_t now_s);

#endif
