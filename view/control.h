/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control.h - the running daemon, reached through the socket control.sock in its state directory. One line is
 * asked, one is answered.
 */
#ifndef FEMTOSNITCH_VIEW_CONTROL_H
#define FEMTOSNITCH_VIEW_CONTROL_H

#include <stddef.h>

#define CONTROL_FLUSH_TIMEOUT_MS 12000 /* the daemon gives a flush 10 s */

/* 0: somebody listens. -ENOENT, -ECONNREFUSED: not running. -EACCES: may run, we may not ask. Else -errno. */
int control_running(const char *state_dir);

/* Have what is in flight written. 0: committed. -EREMOTEIO: the daemon failed, and answer says why (its
 * foreign bytes made safe for a terminal). -ETIMEDOUT, -EPIPE (it hung up), -EINTR, or as control_running().
 */
int control_flush(const char *state_dir, int timeout_ms, char *answer, size_t size);

#endif
