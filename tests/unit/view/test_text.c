// SPDX-License-Identifier: GPL-2.0-or-later
/* Hostile bytes in every output. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "view/text.h"

typedef void escape(struct buffer *, const char *, size_t);

struct sample {
	const char *in;
	size_t len;
	const char *terminal, *json, *csv, *html;
};

#define IN(s) s, sizeof(s) - 1

static const struct sample samples[] = {
	{IN(""), "", "", "\"\"", ""},
	{IN("/usr/bin/curl"), "/usr/bin/curl", "/usr/bin/curl", "/usr/bin/curl", "/usr/bin/curl"},
	{IN("a\0b"), "a\\x00b", "a\\u0000b", "a", "a\\x00b"},
	{IN("a\nb\tc\rd"), "a\\nb\\tc\\x0dd", "a\\nb\\tc\\u000dd", "\"a\nb\tc\rd\"", "a\\nb\\tc\\x0dd"},
	{IN("\x1b]0;owned\x07"), "\\x1b]0;owned\\x07", "\\u001b]0;owned\\u0007", "\x1b]0;owned\x07",
	 "\\x1b]0;owned\\x07"},
	{IN("\x7f"), "\\x7f", "\\u007f", "\x7f", "\\x7f"},
	{IN("\xc2\x9b"
	    "31m"),
	 "\\x9b31m", "\\u009b31m",
	 "\xc2\x9b"
	 "31m",
	 "\\x9b31m"},
	{IN("\x9b"
	    "31m"),
	 "\\x9b31m", "\\\\x9b31m",
	 "\x9b"
	 "31m",
	 "\\x9b31m"},
	{IN("a\xe2\x80\xae"
	    "gpj.exe"),
	 "a\\u202egpj.exe", "a\\u202egpj.exe",
	 "a\xe2\x80\xae"
	 "gpj.exe",
	 "a\\u202egpj.exe"},
	{IN("\xe2\x81\xa6x\xe2\x81\xa9"), "\\u2066x\\u2069", "\\u2066x\\u2069", "\xe2\x81\xa6x\xe2\x81\xa9",
	 "\\u2066x\\u2069"},
	{IN("pay\xe2\x80\x8bpal"), "pay\\u200bpal", "pay\\u200bpal", "pay\xe2\x80\x8bpal", "pay\\u200bpal"},
	{IN("\xf3\xa0\x81\x81"), "\\U000e0041", "\\udb40\\udc41", "\xf3\xa0\x81\x81", "\\U000e0041"},
	{IN("Grüße 世界 😀"), "Grüße 世界 😀", "Grüße 世界 😀", "Grüße 世界 😀", "Grüße 世界 😀"},
	{IN("\xc0\xaf\xe0\x80\xaf"), "\\xc0\\xaf\\xe0\\x80\\xaf", "\\\\xc0\\\\xaf\\\\xe0\\\\x80\\\\xaf",
	 "\xc0\xaf\xe0\x80\xaf", "\\xc0\\xaf\\xe0\\x80\\xaf"},
	{IN("\xed\xa0\x80"), "\\xed\\xa0\\x80", "\\\\xed\\\\xa0\\\\x80", "\xed\xa0\x80", "\\xed\\xa0\\x80"},
	{IN("\xf4\x90\x80\x80\xff"), "\\xf4\\x90\\x80\\x80\\xff", "\\\\xf4\\\\x90\\\\x80\\\\x80\\\\xff",
	 "\xf4\x90\x80\x80\xff", "\\xf4\\x90\\x80\\x80\\xff"},
	{IN("say \"a\\b\", <b>'x' & y</b>"), "say \"a\\b\", <b>'x' & y</b>",
	 "say \\\"a\\\\b\\\", <b>'x' & y</b>", "\"say \"\"a\\b\"\", <b>'x' & y</b>\"",
	 "say &quot;a\\b&quot;, &lt;b&gt;&#39;x&#39; &amp; y&lt;/b&gt;"},
	{IN("=cmd|' /C calc'!A0"), "=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0",
	 "=cmd|&#39; /C calc&#39;!A0"},
};

static void check_one(escape *f, const struct sample *s, const char *want, size_t want_len)
{
	struct buffer b = {0};

	f(&b, s->in, s->len);
	buffer_add(&b, "", 1);
	assert_false(b.failed);
	if (b.len != want_len + 1 || memcmp(b.data, want, want_len))
		fail_msg("of sample %zu: [%s], not [%s]", (size_t)(s - samples), b.data, want);
	buffer_free(&b);
}

static void test_samples(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		const struct sample *s = &samples[i];

		check_one(text_terminal, s, s->terminal, strlen(s->terminal));
		check_one(text_json, s, s->json, strlen(s->json));
		check_one(text_html, s, s->html, strlen(s->html));
		if (memchr(s->in, 0, s->len)) /* exact, its NUL too */
			check_one(text_csv, s, s->in, s->len);
		else
			check_one(text_csv, s, s->csv, strlen(s->csv));
	}
}

/* Nothing that steers a terminal, whatever the input: used on the output, byte by byte. */
static void assert_harmless(const struct buffer *b)
{
	size_t i;

	for (i = 0; i < b->len; i++) {
		unsigned char c = (unsigned char)b->data[i],
			      next = i + 1 < b->len ? (unsigned char)b->data[i + 1] : 0;

		assert_true(c >= 0x20 && c != 0x7f);
		assert_false(c == 0xc2 && next < 0xa0);
		assert_false(c == 0xe2 && next == 0x80 && (unsigned char)b->data[i + 2] >= 0xaa &&
			     (unsigned char)b->data[i + 2] <= 0xae);
	}
}

/* Is all of it UTF-8, by the C library's opinion? */
static void assert_utf8(const struct buffer *b)
{
	char *copy = malloc(b->len + 1);

	assert_non_null(copy);
	memcpy(copy, b->data ? b->data : "", b->len);
	copy[b->len] = '\0';
	assert_true(mbstowcs(NULL, copy, 0) != (size_t)-1);
	free(copy);
}

static void check_all(const char *in, size_t len)
{
	static escape *const safe[] = {text_terminal, text_json, text_html};
	char *exact = malloc(len ? len : 1); /* so that a sanitizer sees a read behind the end */
	struct buffer b = {0};
	size_t i;

	assert_non_null(exact);
	memcpy(exact, in, len);
	for (i = 0; i < sizeof(safe) / sizeof(safe[0]); i++) {
		b.len = 0;
		safe[i](&b, exact, len);
		assert_harmless(&b);
		assert_utf8(&b);
	}
	text_csv(&b, exact, len);
	text_width(exact, len);
	assert_false(b.failed);
	buffer_free(&b);
	free(exact);
}

static void test_cut_anywhere(void **state)
{
	size_t i, from, len;

	(void)state;
	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		for (from = 0; from < samples[i].len; from++)
			for (len = 0; len <= samples[i].len - from; len++)
				check_all(samples[i].in + from, len);
}

static void test_random_bytes(void **state)
{
	static const char interesting[] = "\xe2\x80\xae\xc2\x9b\xf0\x9f\x98\x80\x1b\n\"\\&<";
	char in[24];
	uint32_t seed = 1;
	size_t i, round;

	(void)state;
	for (round = 0; round < 200000; round++) {
		for (i = 0; i < sizeof(in); i++) {
			seed = seed * 1664525 + 1013904223;
			in[i] = seed >> 31 ? interesting[(seed >> 20) % (sizeof(interesting) - 1)]
					   : (char)(seed >> 16);
		}
		check_all(in, round % sizeof(in));
	}
}

static void test_width(void **state)
{
	(void)state;
	assert_int_equal(text_width("abc", 3), 3);
	assert_int_equal(text_width("Grüße", strlen("Grüße")), 5);
	assert_int_equal(text_width("世界", strlen("世界")), 4);
	assert_int_equal(text_width("e\xcc\x81", 3), 1); /* e and a combining acute */
	assert_int_equal(text_width("\xff\xfe", 2), 2);
}

static void test_fit(void **state)
{
	static const struct {
		const char *text;
		size_t columns;
		enum text_cut cut;
		const char *want;
	} table[] = {
		{"abc", 3, TEXT_CUT_END, "abc"},
		{"abcd", 3, TEXT_CUT_END, "ab…"},
		{"abcd", 1, TEXT_CUT_END, "…"},
		{"abcd", 0, TEXT_CUT_END, ""},
		{"", 0, TEXT_CUT_MIDDLE, ""},
		{"世界世界", 5, TEXT_CUT_END, "世界…"},
		{"世界世界", 4, TEXT_CUT_END, "世…"},
		{"/usr/lib/firefox/firefox", 13, TEXT_CUT_MIDDLE, "/usr…/firefox"},
		{"/usr/lib/firefox/firefox", 2, TEXT_CUT_MIDDLE, "/…"},
		{"e\xcc\x81xyz", 2, TEXT_CUT_END, "e\xcc\x81…"},
		{"abcdefge\xcc\x81z", 4, TEXT_CUT_MIDDLE, "a…e\xcc\x81z"},
	};
	struct buffer b = {0};
	size_t i, used;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		b.len = 0;
		used = text_fit(&b, table[i].text, strlen(table[i].text), table[i].columns, table[i].cut);
		assert_int_equal(used, text_width(b.data, b.len));
		buffer_add(&b, "", 1);
		assert_string_equal(b.data, table[i].want);
	}
	buffer_free(&b);
}

/* Whatever is cut to whatever width: it fits, and stays UTF-8. */
static void test_fit_always(void **state)
{
	struct buffer safe = {0}, b = {0};
	size_t i, columns;

	(void)state;
	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		for (columns = 0; columns < 20; columns++) {
			safe.len = b.len = 0;
			text_terminal(&safe, samples[i].in, samples[i].len);
			assert_true(text_fit(&b, safe.data, safe.len, columns, TEXT_CUT_END) <= columns);
			assert_utf8(&b);
			b.len = 0;
			assert_true(text_fit(&b, safe.data, safe.len, columns, TEXT_CUT_MIDDLE) <= columns);
			assert_true(text_width(b.data, b.len) <= columns);
			assert_utf8(&b);
		}
	buffer_free(&safe);
	buffer_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),	     cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_random_bytes), cmocka_unit_test(test_width),
		cmocka_unit_test(test_fit),	     cmocka_unit_test(test_fit_always),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8")) {
		print_message("SKIP: no locale C.UTF-8 on this machine\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
