/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * terminal.h - a window of the user's terminal with what femtosnitch knows about a program. It is another
 * program of the user's, started by his click; nothing foreign is given to a shell to read.
 */
#ifndef FEMTOSNITCH_STORE_NOTIFY_TERMINAL_H
#define FEMTOSNITCH_STORE_NOTIFY_TERMINAL_H

#include <stdbool.h>

/* Is there one here: xdg-terminal-exec, $TERMINAL or x-terminal-emulator, and a display for it? */
bool terminal_there(void);

/* Open it with `femtosnitch why PROGRAM`, until a key is pressed. False after a message. */
bool terminal_why(const char *state_dir, const char *program);

#endif
