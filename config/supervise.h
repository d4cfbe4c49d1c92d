/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * supervise.h - runs one chain from the first fork to the last wait: settings and heartbeats down the head,
 * what comes back at the tail, signals, the control socket, the service manager. It never looks at traffic.
 */
#ifndef FEMTOSNITCH_SUPERVISE_H
#define FEMTOSNITCH_SUPERVISE_H

#include "config/options.h"

/* Run until told to stop. The exit code: 0 stopped as asked, 1 failed, 2 the settings are wrong. */
int supervise_run(const struct options *);

#endif
