/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * known.h - record.json: the programs that snitch.db knows, in the shape that people know from picosnitch, for
 * their scripts. Written anew (atomically) when something changed, at most every KNOWN_EVERY_S; never read back.
 */
#ifndef FEMTOSNITCH_STORE_KNOWN_H
#define FEMTOSNITCH_STORE_KNOWN_H

#include "store/sqlite.h"

#define KNOWN_FILE "record.json"
#define KNOWN_EVERY_S 30

/* Write DIR/record.json. verdicts: programs without one wait for it, else nobody asks. 0 or -errno. */
int known_write(struct sqlite *, const char *dir, bool verdicts);

#endif
