/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rollup.h - sums of traffic by 5 minutes, hour and day, kept in the transaction that writes the rows. Items
 * are collected, sorted and merged first: a table is then walked once, in its own order.
 */
#ifndef FEMTOSNITCH_STORE_ROLLUP_H
#define FEMTOSNITCH_STORE_ROLLUP_H

#include <stddef.h>
#include <stdint.h>

#include "store/sqlite.h"

#define ROLLUP_5MIN_S 300

struct rollup_item {
	int64_t time_s;
	int64_t program; /* row ids, 0 = none */
	int64_t raddr;
	int64_t domain;
	int32_t rport;
	uint16_t protocol;
	int8_t direction;
	int64_t send;
	int64_t recv;
	int64_t connections;
};

struct rollup;
struct rollup *rollup_new(void); /* NULL: no memory */
void rollup_free(struct rollup *);

int rollup_add(struct rollup *, const struct rollup_item *); /* 0 or -ENOMEM */

/* Write what was added, inside the caller's transaction, and be empty, also on failure. 0 or -errno. */
int rollup_write(struct rollup *, struct sqlite *);
void rollup_clear(struct rollup *); /* gives the memory back */

#endif
