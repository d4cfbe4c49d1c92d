/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text.h - foreign bytes made safe for where they go. Paths, command lines and names come from whoever could
 * run a program, so each kind of output has one function that takes any bytes (NUL included) and appends text
 * that cannot break out of its place. No I/O, no state.
 */
#ifndef FEMTOSNITCH_VIEW_TEXT_H
#define FEMTOSNITCH_VIEW_TEXT_H

#include <stddef.h>

#include "view/buffer.h"

/* One line of valid UTF-8 that a terminal only prints: control characters (C0, DEL, C1) and bytes that are
 * not UTF-8 become \n, \t or \xNN, and characters that are invisible or turn the direction of the text
 * \uNNNN. A backslash stays one: the result is for eyes, not for reading back. */
void text_terminal(struct buffer *, const char *in, size_t len);

/* The inside of a JSON string (no quotes around it), valid UTF-8. Reading it gives the same characters back;
 * bytes that are not UTF-8, which JSON cannot carry, are read back as the four characters \xNN. */
void text_json(struct buffer *, const char *in, size_t len);

/* A CSV field (RFC 4180), quoted where needed, its bytes exact. Empty text is "", so that it differs from
 * NULL. */
void text_csv(struct buffer *, const char *in, size_t len);

/* Text or attribute value in HTML: as text_terminal(), and & < > " ' escaped. */
void text_html(struct buffer *, const char *in, size_t len);

/* Columns that UTF-8 text takes on a terminal. Wants LC_CTYPE to be UTF-8, else counts characters. */
size_t text_width(const char *text, size_t len);

enum text_cut {
	TEXT_CUT_END,	/* "curl --proto…" */
	TEXT_CUT_MIDDLE /* "/usr/lib/…/firefox": for paths, whose end says most */
};

/* Append what fits into so many columns, "…" where something was left out. Returns the columns used. */
size_t text_fit(struct buffer *, const char *text, size_t len, size_t columns, enum text_cut);

#endif
