/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lookups.h - asks for reverse lookups ("Reverse lookup") of addresses that nobody named, and waits for none:
 * an answer is a name like another (WIRE_NAME_PTR), for rows that come later.
 *
 * Bound: LOOKUPS_MAX addresses are remembered as asked for, LOOKUPS_AGAIN_S long; one that takes the place of
 * another lets that be asked for again. What the pipe has no room for is not asked.
 */
#ifndef FEMTOSNITCH_STORE_LOOKUPS_H
#define FEMTOSNITCH_STORE_LOOKUPS_H

#include <stdint.h>

#include "bpf/wire.h"
#include "config/frame.h"

#define LOOKUPS_MAX 1024     /* 32 KB, once one was asked for */
#define LOOKUPS_AGAIN_S 3600 /* whatever came of it */

struct lookups;

struct lookups *lookups_new(struct frame_writer *out); /* kept. NULL: no memory */
void lookups_free(struct lookups *);		       /* NULL is fine */

/* The peer of this flow has no name. Left out are addresses that no name server knows (this machine's own,
 * those of one link, groups), and whoever comes to us: no stranger makes us ask, or learns by it that we do.
 */
void lookups_ask(struct lookups *, const struct wire_flow *, int64_t now_s);

#endif
