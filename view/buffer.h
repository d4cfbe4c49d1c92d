/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * buffer.h - bytes appended one after the other, in memory. What is drawn or written goes through one of
 * these, so that every output can be tested without a terminal. When memory runs out the buffer remembers it
 * and takes nothing more; whoever empties it asks buffer_failed() once.
 */
#ifndef FEMTOSNITCH_VIEW_BUFFER_H
#define FEMTOSNITCH_VIEW_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct buffer { /* all zero: empty */
	char *data;
	size_t len;
	size_t size;
	bool failed;
};

void buffer_add(struct buffer *, const void *bytes, size_t len);
void buffer_text(struct buffer *, const char *text);
void buffer_fill(struct buffer *, char c, size_t count);
void buffer_printf(struct buffer *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Write all to out and empty the buffer. 0, -ENOMEM if anything was not taken, -errno of the write. */
int buffer_write(struct buffer *, FILE *out);

void buffer_free(struct buffer *); /* leaves it empty */

#endif
