/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * head.h - what goes down the head of the chain: settings, heartbeats, orders to flush and what is durable.
 * It owns the writer, not the pipe, and remembers which heartbeats came round.
 */
#ifndef FEMTOSNITCH_HEAD_H
#define FEMTOSNITCH_HEAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/wire.h"
#include "config/report.h"

struct head;

struct head *head_new(int fd, int64_t now_ms); /* NULL: no memory */
void head_free(struct head *);

/* Would head_settings() send what the file config holds now? 0: yes (a missing one means the defaults), or
 * -errno after a message. */
int head_check_settings(const char *config);

/* Read the file config and send it down as the next generation; its notices replace those of report. The
 * first time a missing file means the defaults. 0, or -errno after a message: nothing was sent, the last ones
 * stay. */
int head_settings(struct head *, const char *config, struct report *);
unsigned head_generation(const struct head *); /* sent last, 0 = none */
const char *head_text(const struct head *, size_t *len); /* of those; NULL: none */

/* Send a frame of a sink to the store; forgotten where there is no room. */
void head_pass(struct head *, const struct wire_hdr *, const void *payload);

/* Order a window to be closed now. Its number, under which WIRE_COMMITTED answers; 0: there is no room. */
uint64_t head_flush(struct head *);

/* Send what somebody said about a program (to the store). Its number, under which WIRE_DONE answers; 0: there
 * is no room. */
uint64_t head_order(struct head *, enum wire_order_verb, uid_t uid, int64_t until_s, const char *program);

/* Say that what follows, the end of file, is meant. */
void head_stop(struct head *);

/* Pass on what is durable; forgotten where there is no room, the next one says more. */
void head_committed(struct head *, const struct wire_committed *);

/* Send a heartbeat if it is time. 0, or -ETIMEDOUT: none came round for as long as head_stuck_ms() says. */
#define HEAD_STUCK_MS 60000  /* longer than any commit may take */
#define HEAD_START_MS 300000 /* the first: a small machine with an old kernel checks BPF programs for a minute */
int head_tick(struct head *, int64_t now_ms);
int64_t head_stuck_ms(const struct head *);
int64_t head_next_tick_ms(const struct head *);

/* A heartbeat came round. False: it is none of ours. */
bool head_tick_back(struct head *, uint64_t sequence, int64_t now_ms);

/* Write what waits; true while some does (poll for POLLOUT). */
bool head_write(struct head *);
bool head_waits(const struct head *);

#endif
