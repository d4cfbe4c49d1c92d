/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * process.h - what the supervisor arranges for itself as a process: standard descriptors, signals, its
 * terminal.
 */
#ifndef FEMTOSNITCH_PROCESS_H
#define FEMTOSNITCH_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

/* Make sure that 0, 1 and 2 are open, so that no pipe becomes one of them. */
void process_standard_fds(void);

/* A signalfd(2) for TERM, INT, HUP and CHLD, which are blocked from then on; PIPE is ignored. -errno. */
int process_signals(void);

/* Had we a terminal (what isatty(2) said at the start) that is there no more? */
bool process_terminal_gone(bool had_one);

/* CLOCK_MONOTONIC. It stands still while the machine sleeps: nobody is late then. */
int64_t process_now_ms(void);

#endif
