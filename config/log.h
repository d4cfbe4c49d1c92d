/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.h - one line on stderr per event: "<priority>femtosnitch-stage: text". No file, no syslog: systemd, or
 * whoever started us, reads stderr. The <priority> (sd-daemon(3)) is written only where stderr is the journal.
 * Bytes that are not printable UTF-8 are written as \xNN, so that a hostile name cannot forge a line. errno is
 * left as it was. One message is never cut in two, and one longer than 4 KiB is cut with "...".
 */
#ifndef FEMTOSNITCH_LOG_H
#define FEMTOSNITCH_LOG_H

#include <stdarg.h>

void log_open(const char *name, int debug); /* name is kept, not copied */

void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));  /* appends ": " strerror(errno) */
void log_warnx(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* only when opened with debug */

/* For start-up and broken peers only: log, then exit 1. fatal appends strerror(errno). */
_Noreturn void fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void fatalx(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
