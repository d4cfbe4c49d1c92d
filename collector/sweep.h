/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sweep.h - one look at every counter in the kernel, in steps, so that the ring is drained in between: an
 * iterator over all sockets with 50,000 of them takes 20-70 ms.
 */
#ifndef FEMTOSNITCH_SWEEP_H
#define FEMTOSNITCH_SWEEP_H

#include "collector/probe.h"
#include "collector/record.h"

/* An iterator restarts within a hash bucket by counting elements at each read(2), so small reads cost the
 * square of the sockets: 236 ms instead of 67 ms for 50,000 with 4 KiB. The kernel's own buffer is 32 KiB. */
#define SWEEP_READ 32768

struct sweep; /* NULL: none under way */

/* 0 or -errno. */
int sweep_start(struct sweep **, struct probe *, struct record *);

/* Read one piece, then the ring, and make frames of both. 1: go on, 0: every socket was seen, the overflow
 * hash is emptied and *jiffies is the kernel's clock at the end; -errno: give up this one (what was not read
 * is read next time). The sweep is freed unless 1 is returned. */
int sweep_step(struct sweep **, uint64_t *jiffies);

void sweep_free(struct sweep *); /* NULL is fine */

#endif
