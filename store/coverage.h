/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coverage.h - what the stages say they watch (wire_ready: one item per line) is kept, so that months later
 * it is known what was, and what was not. One set of rows per start of the daemon; the last
 * COVERAGE_STARTS_MAX of them are kept, each of at most WIRE_TEXT_MAX bytes per stage.
 *
 *   kernel RELEASE          of all rows of this start
 *   refused NAME: REASON    state "refused"
 *   NOT PROVEN: ITEM: WHY   state "not proven", also with (WHY)
 *   ITEM: proven            state "proven"
 *   ITEM: N attached        state "attached", reason "N attached"
 *   anything else           state "noted"
 */
#ifndef FEMTOSNITCH_STORE_COVERAGE_H
#define FEMTOSNITCH_STORE_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"
#include "store/sqlite.h"

#define COVERAGE_STARTS_MAX 256

struct coverage {
	int64_t start_s; /* of all that is added */
	char *text[WIRE_STAGE__MAX];
	bool waits; /* there is something that is not durable yet */
};

/* What a stage said. Without memory it is left out, with a message. */
void coverage_add(struct coverage *, enum wire_stage, const char *text, size_t len);

/* A transaction of its own: all that was said since the start. 0 or -errno: it waits. */
int coverage_write(struct coverage *, struct sqlite *);
void coverage_close(struct coverage *);

/* One line, taken apart: strings in line, which is changed; *reason may be NULL. */
void coverage_item(char *line, const char **item, const char **state, const char **reason);

#endif
