/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ack.h - what people say about programs (wire_order) goes to the table acknowledged: acknowledged, muted, no
 * longer muted. Root says it for everybody, anyone else for himself.
 */
#ifndef FEMTOSNITCH_STORE_ACK_H
#define FEMTOSNITCH_STORE_ACK_H

#include "bpf/wire.h"
#include "store/sqlite.h"

/* In a transaction of its own. Answer it with *done. 0 or -errno. */
int ack_order(struct sqlite *, const struct wire_order *, int64_t now_s, struct wire_done *done);

#endif
