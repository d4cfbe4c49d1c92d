/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * utf8.h - foreign bytes told apart: what is valid UTF-8, and what may be shown on a terminal or in a log
 * line without doing harm. No I/O, no state.
 */
#ifndef FEMTOSNITCH_UTF8_H
#define FEMTOSNITCH_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the well-formed UTF-8 sequence at text[0..len), 0 when there is none (overlong forms, surrogates
 * and values above U+10FFFF are none). */
size_t utf8_length(const char *text, size_t len);

/* The same, and the character in *out (untouched when there is none). */
size_t utf8_decode(const char *text, size_t len, uint32_t *out);

/* Offset of the first byte that is not valid UTF-8, len if all is. */
size_t utf8_valid_until(const char *text, size_t len);

/* Copy text to dst (size bytes, always NUL-terminated, size >= 4). Bytes that are not printable UTF-8
 * (control characters, line and paragraph separators, direction overrides, invalid sequences) become \xNN.
 * What does not fit is replaced by "...". Returns the length written. */
size_t utf8_escape(char *dst, size_t size, const char *text, size_t len);

#endif
