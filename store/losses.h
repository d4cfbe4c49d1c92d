/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * losses.h - losses that are not written yet. The same loss said again (kind, stage, text) is added to the
 * one that waits. Bound: LOSSES_MAX; beyond it all go to one record of their kind without their text. No I/O
 * but losses_write().
 */
#ifndef FEMTOSNITCH_STORE_LOSSES_H
#define FEMTOSNITCH_STORE_LOSSES_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"
#include "store/sqlite.h"

#define LOSSES_MAX 256

struct losses;
struct losses *losses_new(void); /* NULL: no memory */
void losses_free(struct losses *);

/* Returns 1 when this is news, 0 when it was added to one that waits. */
int losses_add(struct losses *, const struct wire_loss *, const char *detail, size_t detail_len);
size_t losses_count(const struct losses *);

/* Inside the caller's transaction, before the chain tells them with its next window. 0 or -errno. */
int losses_write(struct losses *, struct sqlite *);
void losses_clear(struct losses *); /* they are durable */

#endif
