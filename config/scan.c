// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * scan.c - see scan.h.
 */
#include "config/scan.h"

#include <stdbool.h>
#include <string.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Blank text[from..to) but for its newlines, and count them. */
static unsigned blank(char *text, size_t from, size_t to)
{
	unsigned lines = 0;

	for (; from < to; from++) {
		if (text[from] == '\n')
			lines++;
		else
			text[from] = ' ';
	}
	return lines;
}

/* Offset behind the string whose opening quote is at text[at]; len when it never ends. */
static size_t string_end(const char *text, size_t len, size_t at)
{
	for (at++; at < len && text[at] != '"'; at++)
		if (text[at] == '\\')
			at++;
	return at < len ? at + 1 : len;
}

static size_t find(const char *text, size_t len, size_t at, const char *what)
{
	const char *p = at < len ? memmem(text + at, len - at, what, strlen(what)) : NULL;

	return p ? (size_t)(p - text) : len;
}

unsigned scan_blank(char *text, size_t len)
{
	unsigned line = 1;
	size_t at = 0, end;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		blank(text, 0, 3);
	while (at < len) {
		if (text[at] == '"') {
			/* A string that never ends is said later; a comment sign behind it is not one. */
			for (end = string_end(text, len, at); at < end; at++)
				line += text[at] == '\n';
		} else if (text[at] == '#' || (text[at] == '/' && at + 1 < len && text[at + 1] == '/')) {
			end = find(text, len, at, "\n");
			blank(text, at, end);
			at = end;
		} else if (text[at] == '/' && at + 1 < len && text[at + 1] == '*') {
			end = find(text, len, at + 2, "*/");
			if (end == len) {
				blank(text, at, len);
				return line;
			}
			line += blank(text, at, end + 2);
			at = end + 2;
		} else {
			line += text[at++] == '\n';
		}
	}
	return 0;
}

int scan_peek(struct scan *s)
{
	while (s->at < s->len && is_space(s->text[s->at]))
		s->line += s->text[s->at++] == '\n';
	return s->at < s->len ? (unsigned char)s->text[s->at] : -1;
}

int scan_take(struct scan *s, char c)
{
	if (scan_peek(s) != (unsigned char)c)
		return 0;
	s->at++;
	return 1;
}

static const char *take_string(struct scan *s)
{
	size_t end = string_end(s->text, s->len, s->at);
	const char *text = s->text;
	size_t i;

	for (i = s->at + 1; i < end; i++) {
		if ((unsigned char)text[i] < 0x20)
			return text[i] == '\n' ? "a string that does not end on its line"
					       : "a control character in a string";
		if (text[i] == '\\' && i + 1 < end) {
			if (end - i > 5 && memcmp(text + i, "\\u0000", 6) == 0)
				return "a NUL character in a string";
			i++;
		}
	}
	if (end - s->at < 2 || text[end - 1] != '"')
		return "a string that does not end";
	s->at = end;
	return NULL;
}

static bool is_word(char c)
{
	return !is_space(c) && !strchr("{}[]:,\"", c);
}

/* Everything up to the bracket that closes the one at s->at. */
static const char *take_nested(struct scan *s)
{
	char open[SCAN_DEPTH_MAX];
	unsigned depth = 0;
	const char *wrong;
	int c;

	while ((c = scan_peek(s)) != -1) {
		if (c == '"') {
			if ((wrong = take_string(s)) != NULL)
				return wrong;
			continue;
		}
		s->at++;
		if (c == '{' || c == '[') {
			if (depth == SCAN_DEPTH_MAX)
				return "values nested too deep";
			open[depth++] = (char)c;
		} else if (c == '}' || c == ']') {
			if (open[--depth] != (c == '}' ? '{' : '['))
				return "brackets that do not match";
			if (depth == 0)
				return NULL;
		}
	}
	return "a bracket that is not closed";
}

const char *scan_value(struct scan *s, struct scan_value *v)
{
	int c = scan_peek(s);
	const char *wrong = NULL;

	v->raw = s->text + s->at;
	v->line = s->line;
	v->len = 0;
	if (c == '"')
		wrong = take_string(s);
	else if (c == '{' || c == '[')
		wrong = take_nested(s);
	else
		while (s->at < s->len && is_word(s->text[s->at]))
			s->at++;
	v->len = s->at - (size_t)(v->raw - s->text);
	if (!wrong && v->len == 0)
		wrong = "no value";
	return wrong;
}
