// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * toml.c - see toml.h. Functions return NULL, or what is wrong.
 */
#include "store/import/toml.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/utf8.h"

#define NUMBER_MAX 32

struct toml {
	const char *at, *end;
	unsigned line;
	char table[TOML_NAME_MAX], key[TOML_NAME_MAX];
};

static int peek(const struct toml *t)
{
	return t->at < t->end ? (unsigned char)*t->at : -1;
}

static bool take(struct toml *t, char c)
{
	if (peek(t) != (unsigned char)c)
		return false;
	t->at++;
	return true;
}

static void skip_blanks(struct toml *t)
{
	while (peek(t) == ' ' || peek(t) == '\t')
		t->at++;
}

/* Blanks and a comment, up to the end of the line. */
static void skip_comment(struct toml *t)
{
	skip_blanks(t);
	if (peek(t) == '#')
		while (t->at < t->end && *t->at != '\n')
			t->at++;
}

static bool take_newline(struct toml *t)
{
	const char *at = t->at;

	take(t, '\r');
	if (take(t, '\n')) {
		t->line++;
		return true;
	}
	t->at = at;
	return false;
}

static void skip_lines(struct toml *t)
{
	do
		skip_comment(t);
	while (take_newline(t));
}

static const char *end_of_line(struct toml *t)
{
	skip_comment(t);
	return t->at == t->end || take_newline(t) ? NULL : "something stands behind the value";
}

/* ---- strings */

static size_t put_character(char *dst, uint32_t c)
{
	if (c < 0x80) {
		dst[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		dst[0] = (char)(0xc0 | c >> 6);
		dst[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		dst[0] = (char)(0xe0 | c >> 12);
		dst[1] = (char)(0x80 | (c >> 6 & 63));
		dst[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	dst[0] = (char)(0xf0 | c >> 18);
	dst[1] = (char)(0x80 | (c >> 12 & 63));
	dst[2] = (char)(0x80 | (c >> 6 & 63));
	dst[3] = (char)(0x80 | (c & 63));
	return 4;
}

/* The character of so many hexadecimal digits; 0: none that may stand in a text. */
static uint32_t code_point(struct toml *t, int digits)
{
	uint32_t c = 0;
	int i, d;

	for (i = 0; i < digits; i++) {
		d = peek(t);
		if (d >= '0' && d <= '9')
			d -= '0';
		else if (d >= 'a' && d <= 'f')
			d -= 'a' - 10;
		else if (d >= 'A' && d <= 'F')
			d -= 'A' - 10;
		else
			return 0;
		c = c << 4 | (uint32_t)d;
		t->at++;
	}
	return c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : c;
}

static const char *take_escape(struct toml *t, char *dst, size_t *len)
{
	static const char from[] = "btnfre\"\\", to[] = "\b\t\n\f\r\033\"\\";
	const char *known;
	uint32_t c;
	int e = peek(t);

	t->at += e >= 0;
	if (e == 'u' || e == 'U') {
		c = code_point(t, e == 'u' ? 4 : 8);
		if (c == 0)
			return "a character in a string is none";
		*len += put_character(dst + *len, c);
		return NULL;
	}
	known = e > 0 ? strchr(from, e) : NULL;
	if (!known)
		return "an escape in a string is none";
	dst[(*len)++] = to[known - from];
	return NULL;
}

/* Behind the opening quote. */
static const char *take_string(struct toml *t, char quote, char dst[TOML_TEXT_MAX])
{
	const char *why = NULL;
	size_t len = 0;

	while (peek(t) != quote) {
		if (peek(t) < 0x20 && peek(t) != '\t')
			return "a string does not end on its line";
		if (len + 8 > TOML_TEXT_MAX)
			return "a string is too long";
		if (quote == '"' && take(t, '\\')) {
			if ((why = take_escape(t, dst, &len)))
				return why;
		} else {
			dst[len++] = *t->at++;
		}
	}
	t->at++;
	dst[len] = '\0';
	return utf8_valid_until(dst, len) == len ? NULL : "a string is not UTF-8";
}

/* ---- keys */

static bool is_bare(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == '-';
}

/* Appends it to dst. */
static const char *take_key(struct toml *t, char dst[TOML_NAME_MAX])
{
	char text[TOML_TEXT_MAX];
	size_t have = strlen(dst), len = 0;
	const char *why;
	int c = peek(t);

	if (c == '"' || c == '\'') {
		t->at++;
		if ((why = take_string(t, (char)c, text)))
			return why;
		len = strlen(text);
	} else {
		for (; is_bare(peek(t)) && len < sizeof(text) - 1; len++)
			text[len] = *t->at++;
		text[len] = '\0';
	}
	if (len == 0)
		return "here a key was expected";
	if (have + len >= TOML_NAME_MAX)
		return "a key is too long";
	memcpy(dst + have, text, len + 1);
	return NULL;
}

/* Behind its "[". */
static const char *take_table(struct toml *t)
{
	const char *why;

	if (peek(t) == '[')
		return "arrays of tables are not understood";
	t->table[0] = '\0';
	for (;;) {
		skip_blanks(t);
		if ((why = take_key(t, t->table)))
			return why;
		skip_blanks(t);
		if (!take(t, '.'))
			break;
		if (strlen(t->table) + 1 >= TOML_NAME_MAX)
			return "a key is too long";
		strcat(t->table, ".");
	}
	return take(t, ']') ? end_of_line(t) : "a table's name does not end";
}

/* ---- values */

static void free_value(struct toml_value *v)
{
	size_t i;

	for (i = 0; i < v->items; i++)
		free_value(&v->item[i]);
	free(v->item);
	free(v->text);
	memset(v, 0, sizeof(*v));
}

static const char *take_number(struct toml *t, struct toml_value *v)
{
	char digits[NUMBER_MAX], *end;
	size_t len = 0;

	for (; is_bare(peek(t)) || peek(t) == '+' || peek(t) == '.' || peek(t) == ':'; t->at++)
		if (*t->at != '_' && len < sizeof(digits) - 1)
			digits[len++] = *t->at;
	digits[len] = '\0';
	if (len == 0)
		return "a value is missing, or of a kind that is not understood";
	errno = 0;
	v->type = TOML_NUMBER;
	v->number = strtoll(digits, &end, 10);
	return *end || errno || len == sizeof(digits) - 1
		       ? "not understood: neither text, whole number, true nor false"
		       : NULL;
}

static bool take_word(struct toml *t, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(t->end - t->at) < len || memcmp(t->at, word, len) != 0 ||
	    (t->at + len < t->end && is_bare((unsigned char)t->at[len])))
		return false;
	t->at += len;
	return true;
}

/* Not an array. */
static const char *take_plain(struct toml *t, struct toml_value *v)
{
	char text[TOML_TEXT_MAX];
	const char *why;
	int c = peek(t);

	if (c == '"' || c == '\'') {
		t->at++;
		if (t->end - t->at >= 2 && t->at[0] == c && t->at[1] == c)
			return "strings of several lines are not understood";
		if ((why = take_string(t, (char)c, text)))
			return why;
		v->type = TOML_STRING;
		v->text = strdup(text);
		return v->text ? NULL : "no memory";
	}
	v->type = TOML_BOOLEAN;
	v->boolean = take_word(t, "true");
	if (v->boolean || take_word(t, "false"))
		return NULL;
	return take_number(t, v);
}

static const char *add_item(struct toml *t, struct toml_value *v)
{
	struct toml_value *more;

	if (v->items == TOML_ITEMS_MAX)
		return "a list is too long";
	more = realloc(v->item, (v->items + 1) * sizeof(*more));
	if (!more)
		return "no memory";
	v->item = more;
	memset(&v->item[v->items++], 0, sizeof(*more));
	if (peek(t) == '[' || peek(t) == '{')
		return "lists in lists are not understood";
	return take_plain(t, &v->item[v->items - 1]);
}

/* Behind its "[". */
static const char *take_array(struct toml *t, struct toml_value *v)
{
	const char *why;

	v->type = TOML_ARRAY;
	for (;;) {
		skip_lines(t);
		if (take(t, ']'))
			return NULL;
		if ((why = add_item(t, v)))
			return why;
		skip_lines(t);
		if (!take(t, ',') && peek(t) != ']')
			return "a list does not end";
	}
}

static const char *take_pair(struct toml *t, toml_heard *heard, void *arg)
{
	struct toml_value v = {0};
	unsigned line = t->line;
	const char *why;

	t->key[0] = '\0';
	if ((why = take_key(t, t->key)))
		return why;
	skip_blanks(t);
	if (peek(t) == '.')
		return "keys with dots are not understood: write a [table]";
	if (!take(t, '='))
		return "here \"=\" was expected";
	skip_blanks(t);
	if (peek(t) == '{')
		return "tables in one line are not understood: write a [table]";
	why = take(t, '[') ? take_array(t, &v) : take_plain(t, &v);
	if (!why)
		why = end_of_line(t);
	if (!why && (why = heard(arg, t->table, t->key, &v, line)))
		t->line = line;
	free_value(&v);
	return why;
}

const char *toml_read(const char *text, size_t len, toml_heard *heard, void *arg, unsigned *line)
{
	struct toml t = {.at = text, .end = text + len, .line = 1};
	const char *why = NULL;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
		t.at += 3;
	for (skip_lines(&t); !why && t.at < t.end; skip_lines(&t)) {
		why = take(&t, '[') ? take_table(&t) : take_pair(&t, heard, arg);
		if (why)
			break;
	}
	*line = t.line;
	return why;
}
