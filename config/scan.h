/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan.h - walks JSON text value by value and keeps the line of each, which cJSON does not. Internal to the
 * settings. It finds where a value ends and refuses what would be harmful to hand on (depth, control
 * characters, \u0000); what is inside a value is cJSON's business. No memory, no I/O.
 */
#ifndef FEMTOSNITCH_SCAN_H
#define FEMTOSNITCH_SCAN_H

#include <stddef.h>

#define SCAN_DEPTH_MAX 8

struct scan {
	const char *text;
	size_t len, at;
	unsigned line; /* of text[at], from 1 */
};

/* One value as it stands in the text, still quoted and escaped. */
struct scan_value {
	const char *raw;
	size_t len;
	unsigned line;
};

/* Turn comments (#, //, and C's) into blanks, keeping newlines and length, and a byte order mark too. Returns
 * the line of a comment that never ends, else 0. */
unsigned scan_blank(char *text, size_t len);

/* Skip white space; the next byte, or -1 at the end. */
int scan_peek(struct scan *);

/* Take the next byte if it is c. */
int scan_take(struct scan *, char c);

/* Take one value of any type. NULL, or what is wrong with it (the walk cannot go on). */
const char *scan_value(struct scan *, struct scan_value *);

#endif
