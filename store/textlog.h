/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * textlog.h - conn.log, exe.log and error.log: one line per row or message, appended; 0640. Opened for each
 * piece of writing, so that log rotation needs no signal. A failure is said once.
 */
#ifndef FEMTOSNITCH_STORE_TEXTLOG_H
#define FEMTOSNITCH_STORE_TEXTLOG_H

#include <limits.h>
#include <stdio.h>

#include "store/batch.h"

struct textlog {
	char path[PATH_MAX];
	int failed; /* errno that was said */
};

void textlog_open(struct textlog *, const char *dir, const char *name); /* only remembers where */

/* conn.log: the seventeen columns that people know from picosnitch, comma separated, no header. Time is ISO
 * 8601 UTC, text is without commas, newlines and carriage returns. 0 or -errno. */
int textlog_rows(struct textlog *, const struct batch *, int log_commands);

/* error.log: "DATE TIME stage: message" in UTC, on one line. */
int textlog_message(struct textlog *, wire_ns time, const char *stage, const char *text, size_t len);

/* A line of exe.log to f: "DATE TIME WHO PATH (WHAT)MORE", WHO cut or filled to sixteen characters. */
void textlog_exe(FILE *f, int64_t time_s, const char *who, const char *path, const char *what,
		 const char *more);
int textlog_append(struct textlog *, const char *lines, size_t len); /* whole lines; 0 or -errno */

#endif
