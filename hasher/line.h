/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * line.h - a text file line by line, in bounded memory: what is longer than any line that means something to
 * us is skipped.
 */
#ifndef FEMTOSNITCH_HASHER_LINE_H
#define FEMTOSNITCH_HASHER_LINE_H

#include <stdio.h>

#define LINE_MAX_BYTES 8192

struct line {
	char text[LINE_MAX_BYTES];
};

/* The next line without its end; NULL: none. Valid until the next call. */
char *line_next(FILE *, struct line *);

#endif
