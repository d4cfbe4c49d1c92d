/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client.h - the other end of control.h: asks the supervisor of a state directory one thing.
 */
#ifndef FEMTOSNITCH_CLIENT_H
#define FEMTOSNITCH_CLIENT_H

#include "config/options.h"

/* Send line and wait for the whole answer. 0: *answer is text, caller frees; else -errno: -ENOENT or
 * -ECONNREFUSED nobody listens, -EACCES not allowed, -ETIMEDOUT. */
int client_ask(const struct options *, const char *line, int timeout_ms, char **answer);

#endif
