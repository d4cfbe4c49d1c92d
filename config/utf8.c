// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * utf8.c - see utf8.h. The table of sequences is the one of the Unicode standard (table 3-7); the locale
 * plays no part, so that a message looks the same from every process.
 */
#include "config/utf8.h"

#include <stdbool.h>
#include <string.h>

size_t utf8_length(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xbf;
	size_t i, n;

	if (len == 0)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0; /* overlong below */
	else if (s[0] == 0xed)
		high = 0x9f; /* surrogates above */
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (len < n || s[1] < low || s[1] > high)
		return 0;
	for (i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

size_t utf8_valid_until(const char *text, size_t len)
{
	size_t at = 0, n;

	while (at < len && (n = utf8_length(text + at, len - at)) > 0)
		at += n;
	return at;
}

size_t utf8_decode(const char *text, size_t len, uint32_t *out)
{
	static const unsigned char lead[] = {0, 0x7f, 0x1f, 0x0f, 0x07}; /* bits of the first byte */
	const unsigned char *s = (const unsigned char *)text;
	size_t n = utf8_length(text, len), i;
	uint32_t c;

	if (n == 0)
		return 0;
	c = s[0] & lead[n];
	for (i = 1; i < n; i++)
		c = c << 6 | (s[i] & 0x3f);
	*out = c;
	return n;
}

/* Characters that move the cursor, end a line or turn the direction of what follows could forge text. */
static bool harmless(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c <= 0x9f))
		return false;
	if (c >= 0x200b && c <= 0x200f) /* zero width, marks of direction */
		return false;
	if (c >= 0x2028 && c <= 0x202e) /* separators, embeddings, overrides */
		return false;
	if (c >= 0x2060 && c <= 0x2069) /* invisible operators, isolates */
		return false;
	return c != 0x061c && c != 0xfeff && (c & 0xfffe) != 0xfffe;
}

size_t utf8_escape(char *dst, size_t size, const char *text, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	size_t at = 0, out = 0, safe = 0, n, need, i;
	uint32_t c;

	while (at < len) {
		n = utf8_decode(text + at, len - at, &c);
		if (n > 0 && harmless(c))
			need = n;
		else
			n = n ? n : 1, need = 4 * n;
		if (out + need + 1 > size)
			break;
		if (need == n) {
			memcpy(dst + out, text + at, n);
		} else {
			for (i = 0; i < n; i++) {
				unsigned char byte = (unsigned char)text[at + i];

				memcpy(dst + out + 4 * i, "\\x", 2);
				dst[out + 4 * i + 2] = hex[byte >> 4];
				dst[out + 4 * i + 3] = hex[byte & 15];
			}
		}
		at += n;
		out += need;
		if (out + 4 <= size)
			safe = out; /* the dots still fit behind this */
	}
	if (at < len) {
		out = safe;
		memcpy(dst + out, "...", 3);
		out += 3;
	}
	dst[out] = '\0';
	return out;
}
