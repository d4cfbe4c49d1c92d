/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seen.h - remembers which connections were already counted, so that a rollup counts a connection once and
 * not once per window. Holds 64-bit hashes in two generations of at most SEEN_MAX each; one that stayed
 * silent while a whole generation passed (an hour, or SEEN_MAX others) is counted again. Wrong at worst in a
 * count, never in bytes. No I/O.
 */
#ifndef FEMTOSNITCH_STORE_SEEN_H
#define FEMTOSNITCH_STORE_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEEN_MAX 32768

struct seen;
struct seen *seen_new(void); /* NULL: no memory */
void seen_free(struct seen *);

/* True when the connection is new. ended: it will not come again. now_s drives the generations. */
bool seen_first(struct seen *, uint64_t connection, bool ended, int64_t now_s);

size_t seen_count(const struct seen *);

#endif
