// SPDX-License-Identifier: GPL-2.0-or-later
/* text.c - see text.h. */
#include "view/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

#include "config/utf8.h"

#define ELLIPSIS "…" /* U+2026, one column */

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/* Format characters (Unicode category Cf), line separators, and the fillers that look like nothing: they make
 * two different names look alike, or show text in another order than it has. */
static bool is_deceptive(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0xad, 0xad},	    {0x34f, 0x34f},	{0x600, 0x605},	    {0x61c, 0x61c},
		{0x6dd, 0x6dd},	    {0x70f, 0x70f},	{0x890, 0x891},	    {0x8e2, 0x8e2},
		{0x115f, 0x1160},   {0x180b, 0x180f},	{0x200b, 0x200f},   {0x2028, 0x202e},
		{0x2060, 0x206f},   {0x3164, 0x3164},	{0xfeff, 0xfeff},   {0xffa0, 0xffa0},
		{0xfff0, 0xfffb},   {0x110bd, 0x110bd}, {0x110cd, 0x110cd}, {0x13430, 0x1343f},
		{0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
	};
	size_t i;

	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

static void escape_terminal(struct buffer *b, uint32_t c)
{
	if (c == '\n' || c == '\t')
		buffer_text(b, c == '\n' ? "\\n" : "\\t");
	else if (c < 0x100)
		buffer_printf(b, "\\x%02x", c);
	else
		buffer_printf(b, c > 0xffff ? "\\U%08x" : "\\u%04x", c);
}

void text_terminal(struct buffer *b, const char *in, size_t len)
{
	uint32_t c;
	size_t n;

	for (; len; in += n, len -= n) {
		n = utf8_decode(in, len, &c);
		if (!n) {
			buffer_printf(b, "\\x%02x", (unsigned char)*in);
			n = 1;
		} else if (is_control(c) || is_deceptive(c)) {
			escape_terminal(b, c);
		} else {
			buffer_add(b, in, n);
		}
	}
}

static void escape_json(struct buffer *b, uint32_t c)
{
	switch (c) {
	case '"':
		buffer_text(b, "\\\"");
		break;
	case '\\':
		buffer_text(b, "\\\\");
		break;
	case '\n':
		buffer_text(b, "\\n");
		break;
	case '\t':
		buffer_text(b, "\\t");
		break;
	default:
		if (c > 0xffff) /* a surrogate pair */
			buffer_printf(b, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
				      0xdc00 + (c & 0x3ff));
		else
			buffer_printf(b, "\\u%04x", c);
	}
}

void text_json(struct buffer *b, const char *in, size_t len)
{
	uint32_t c;
	size_t n;

	for (; len; in += n, len -= n) {
		n = utf8_decode(in, len, &c);
		if (!n) {
			buffer_printf(b, "\\\\x%02x", (unsigned char)*in);
			n = 1;
		} else if (c == '"' || c == '\\' || is_control(c) || is_deceptive(c)) {
			escape_json(b, c); /* a terminal shows JSON too */
		} else {
			buffer_add(b, in, n);
		}
	}
}

void text_csv(struct buffer *b, const char *in, size_t len)
{
	bool quote = len == 0;
	size_t i;

	for (i = 0; i < len && !quote; i++)
		quote = in[i] == '"' || in[i] == ',' || in[i] == '\n' || in[i] == '\r';
	if (!quote) {
		buffer_add(b, in, len);
		return;
	}
	buffer_text(b, "\"");
	for (i = 0; i < len; i++) {
		if (in[i] == '"')
			buffer_text(b, "\"");
		buffer_add(b, in + i, 1);
	}
	buffer_text(b, "\"");
}

static const char *html_entity(uint32_t c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void text_html(struct buffer *b, const char *in, size_t len)
{
	const char *entity;
	size_t n;

	for (; len; in += n, len -= n) {
		for (n = 0, entity = NULL; n < len && !entity; n++)
			entity = html_entity((unsigned char)in[n]);
		text_terminal(b, in, n - (entity != NULL));
		if (entity)
			buffer_text(b, entity);
	}
}

/* Columns of the character at s, and its bytes. A byte that is no character counts one column. */
static size_t char_width(const char *s, size_t len, size_t *columns)
{
	uint32_t c;
	size_t n = utf8_decode(s, len, &c);
	int w = n ? wcwidth((wchar_t)c) : 1;

	*columns = w < 0 ? 1 : (size_t)w;
	return n ? n : 1;
}

size_t text_width(const char *text, size_t len)
{
	size_t total = 0, n, w;

	for (; len; text += n, len -= n) {
		n = char_width(text, len, &w);
		total += w;
	}
	return total;
}

/* Bytes at the start of text that take at most so many columns,
 * with the marks that belong to the last one. */
static size_t head_bytes(const char *text, size_t len, size_t columns, size_t *used)
{
	size_t at = 0, n, w;

	for (*used = 0; at < len; at += n, *used += w) {
		n = char_width(text + at, len - at, &w);
		if (*used + w > columns)
			break;
	}
	return at;
}

/* Where the end of text begins that takes at most so many columns; total is text's width. */
static size_t tail_start(const char *text, size_t len, size_t total, size_t columns, size_t *used)
{
	size_t at = 0, n, w;

	while (at < len && total > columns) {
		n = char_width(text + at, len - at, &w);
		total -= w;
		at += n;
	}
	for (; at < len; at += n) { /* not a combining mark without its letter */
		n = char_width(text + at, len - at, &w);
		if (w)
			break;
	}
	*used = total;
	return at;
}

size_t text_fit(struct buffer *b, const char *text, size_t len, size_t columns, enum text_cut cut)
{
	size_t total = text_width(text, len), head, tail, start, used;

	if (total <= columns) {
		buffer_add(b, text, len);
		return total;
	}
	if (!columns)
		return 0;
	tail = cut == TEXT_CUT_MIDDLE ? (columns - 1) * 2 / 3 : 0;
	head = head_bytes(text, len, columns - 1 - tail, &used);
	buffer_add(b, text, head);
	buffer_text(b, ELLIPSIS);
	if (!tail)
		return used + 1;
	start = tail_start(text, len, total, tail, &tail);
	buffer_add(b, text + start, len - start);
	return used + 1 + tail;
}
