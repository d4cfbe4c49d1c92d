/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * heartbeat.h - the time up to which all traffic is kept, in the small file DIR/heartbeat.
 *
 * A window with traffic leaves that time in snitch.db (meta.window_to). On an idle machine it goes here,
 * because a transaction makes the disk work (two flushes) only to say that nothing happened, while 20 bytes
 * overwritten in place are written back by the kernel when it pleases: a SIGKILL loses nothing of them, a
 * power cut at most the half minute after which the kernel writes. No room is needed on a full disk.
 */
#ifndef FEMTOSNITCH_STORE_HEARTBEAT_H
#define FEMTOSNITCH_STORE_HEARTBEAT_H

#include "bpf/wire.h"

#define HEARTBEAT_EVERY_S 30

struct heartbeat {
	int fd; /* -1: cannot be written; said once */
	wire_ns written_ns;
};

void heartbeat_open(struct heartbeat *, const char *dir);
wire_ns heartbeat_read(const struct heartbeat *); /* 0 = none yet, or unreadable */

/* Note upto, at most every HEARTBEAT_EVERY_S unless forced. */
void heartbeat_beat(struct heartbeat *, wire_ns upto, int force);
void heartbeat_close(struct heartbeat *);

#endif
