/* SPDX-License-Identifier: GPL-2.0-or-later */
/* when.h - the times a person types and the times we print. No I/O. */
#ifndef FEMTOSNITCH_VIEW_WHEN_H
#define FEMTOSNITCH_VIEW_WHEN_H

#include <stddef.h>
#include <stdint.h>

#define WHEN_TEXT_SIZE 32
#define WHEN_FORMS "10m, 3h, 2d, 1w or a time in UTC such as 2026-11-20 or 2026-11-20T18:15:00"

/* "90s", "10m", "3h", "2d", "1w" (before now), or ISO 8601: a date, or a date and a time with or without
 * seconds, in UTC unless an offset (+02:00) says otherwise. *seconds is since 1970. 0 or -EINVAL. */
int when_parse(const char *text, int64_t now, int64_t *seconds);

/* "2026-11-20T18:15:00Z" into text of WHEN_TEXT_SIZE bytes; returns text. */
const char *when_text(int64_t seconds, char *text);

/* "3 minutes", "2 days" for the seconds between two times, into text of WHEN_TEXT_SIZE bytes;
 * returns text. */
const char *when_span(int64_t seconds, char *text);

#endif
