/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record.h - makes frames of kernel records: checks their size, puts paths the right way round, turns jiffies
 * into unix time, leaves out what we did ourselves. Writes to the stage's output, never blocks.
 */
#ifndef FEMTOSNITCH_RECORD_H
#define FEMTOSNITCH_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "collector/clock.h"
#include "collector/libc.h"
#include "config/stage.h"

/* What the self-test looks for among the records of this process and its child. */
struct record_own {
	uint32_t tgid;		      /* this process: its flows are never passed on */
	struct wire_image_key key;    /* the same, as its flows say; all zero: none came yet */
	struct wire_image_key before; /* that of the collector we took over from */
	uint32_t child;		      /* the self-test's, 0 = none */
	uint64_t udp_sent, udp_received;
	uint64_t tcp_sent, tcp_received;
	unsigned execs; /* of child */
	unsigned ended; /* flows that came with the end of their socket */
};

/* A payload, its time in unix ns, with data_len bytes of data. */
typedef void record_payload(void *arg, const struct wire_payload *, const void *data);

struct record {
	struct stage *stage;
	record_payload *payload; /* who looks into payloads; NULL: nobody */
	void *payload_arg;
	struct clock clock;
	struct record_own own;
	struct libc *libc;		 /* is told of programs; NULL: is not there */
	uint64_t dropped, dropped_bytes; /* malformed, or past the bound of the output */
	int overflow_half_full;		 /* the kernel asks for probe_overflow_take() */
};

/* One record as it came from the ring, an iterator or the overflow hash. Its signature is probe_record's; arg
 * is the struct record. Always 0. */
int record_take(void *arg, const void *data, size_t size);

/* A record of WIRE_EXEC with the command line given here: of processes that ran before us. argv may hold any
 * bytes. */
int record_take_running(struct record *, const void *data, size_t size, const char *argv, size_t argv_len);

#endif
