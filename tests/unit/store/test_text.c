// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_text.c - foreign bytes as text, command lines, addresses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "store/text.h"

#define CASE(bytes, text)                                                                                    \
	{                                                                                                    \
		bytes, sizeof(bytes) - 1, text                                                               \
	}

static void bytes_become_text(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *text;
	} cases[] = {
		CASE("", ""),
		CASE("/usr/bin/curl", "/usr/bin/curl"),
		CASE("two\nlines\ttab", "two\nlines\ttab"),
		CASE("caf\xc3\xa9 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xf0\x9f\x98\x80"),
		CASE("\xff\xfe", "\\xff\\xfe"),
		CASE("a\xc3", "a\\xc3"),
		CASE("\xc0\xaf", "\\xc0\\xaf"),
		CASE("\xed\xa0\x80", "\\xed\\xa0\\x80"),
		CASE("nul\0in it", "nul\\x00in it"),
	};
	size_t i;
	char *text;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text = text_clean(cases[i].bytes, cases[i].len);
		assert_string_equal(text, cases[i].text);
		free(text);
	}
}

static void commands_are_quoted_where_needed(void **state)
{
	static const struct {
		const char *argv;
		size_t len;
		const char *text;
	} cases[] = {
		CASE("curl\0-s\0a b\0", "curl -s 'a b'"),
		CASE("a\0\0b\0", "a '' b"),
		CASE("sh\0-c\0it's\0", "sh -c 'it'\"'\"'s'"),
		CASE("x\0$HOME\0*\0", "x '$HOME' '*'"),
		CASE("x\0a=b,c@d%e+f:g/h.i_j-k\0", "x a=b,c@d%e+f:g/h.i_j-k"),
		CASE("x\0\xff\0", "x '\\xff'"),
		CASE("x\0''''\0", "x ''\"'\"''\"'\"''\"'\"''\"'\"''"),
	};
	size_t i;
	char *text;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text = text_command(cases[i].argv, cases[i].len, 0);
		assert_string_equal(text, cases[i].text);
		free(text);
	}
	text = text_command("x\0yy", 5, 1);
	assert_string_equal(text, "x yy ...");
	free(text);
}

/* Cut anywhere, even inside an argument or a character: no byte beyond is read, and it stays text. */
static void truncated_at_each_byte(void **state)
{
	static const char argv[] = "it's\0caf\xc3\xa9\0\xff\0''\0\0 \n";
	char *copy, *text;
	size_t len;

	(void)state;
	for (len = 0; len < sizeof(argv); len++) {
		copy = malloc(len ? len : 1);
		memcpy(copy, argv, len);
		text = text_command(copy, len, 1);
		assert_non_null(text);
		free(text);
		text = text_clean(copy, len);
		assert_non_null(text);
		assert_true(strlen(text) <= len * 4);
		free(text);
		free(copy);
	}
}

static void addresses(void **state)
{
	static const unsigned char v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, v4[16] = {192, 0, 2, 1};
	char buf[TEXT_ADDRESS_SIZE];

	(void)state;
	assert_string_equal(text_address(buf, AF_INET, v4), "192.0.2.1");
	assert_string_equal(text_address(buf, AF_INET6, v6), "2001:db8::1");
	assert_string_equal(text_address(buf, AF_PACKET, "tun0\0\0\0\0\0\0\0\0\0\0\0"), "tun0");
	assert_string_equal(text_address(buf, AF_XDP, "\x1b]0;\xffname_of_15"), "\x1b]0;\\xffname_of_15");
	assert_string_equal(text_address(buf, AF_PACKET,
					 "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
			    "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff");
	assert_null(text_address(buf, AF_PACKET, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"));
	assert_null(text_address(buf, AF_UNIX, v4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_become_text),
		cmocka_unit_test(commands_are_quoted_where_needed),
		cmocka_unit_test(truncated_at_each_byte),
		cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests_name("store text", tests, NULL, NULL);
}
