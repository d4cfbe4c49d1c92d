// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_request.c - what clients may say, cut at each byte too, and what they may not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/wire.h"
#include "store/notices/request.h"

static struct request r;

/* From a copy that ends where the line does. */
static bool parse(const char *line, size_t len)
{
	char *copy = malloc(len ? len : 1);
	bool good;

	memcpy(copy, line, len);
	free(r.program);
	good = request_parse(&r, copy, len);
	free(copy);
	return good;
}

static void test_good(void **state)
{
	(void)state;
	assert_true(parse("{\"since\":17}", 12));
	assert_int_equal(r.kind, REQUEST_SINCE);
	assert_int_equal(r.since, 17);
	assert_true(parse("{\"ack\":\"/bin/a\\n\"}", 18));
	assert_int_equal(r.kind, REQUEST_ACK);
	assert_string_equal(r.program, "/bin/a\n");
	assert_true(parse("{\"mute\":\"/bin/a\"}", 17));
	assert_int_equal(r.until_s, 0);
	assert_true(parse("{\"mute\":\"/bin/a\",\"until\":99}", 28));
	assert_int_equal(r.kind, REQUEST_MUTE);
	assert_int_equal(r.until_s, 99);
}

static void test_cut(void **state)
{
	static const char *const lines[] = {"{\"since\":17}", "{\"ack\":\"/bin/a\"}",
					    "{\"mute\":\"/bin/a\",\"until\":99}"};
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		for (len = 0; len < strlen(lines[i]); len++)
			assert_false(parse(lines[i], len));
}

static void test_bad(void **state)
{
	static const char *const lines[] = {"{}",
					    "[]",
					    "null",
					    "17",
					    "{\"since\":-1}",
					    "{\"since\":1e15}",
					    "{\"since\":\"1\"}",
					    "{\"since\":null}",
					    "{\"ack\":\"\"}",
					    "{\"ack\":7}",
					    "{\"ack\":[\"/bin/a\"]}",
					    "{\"ack\":\"\xff\"}",
					    "{\"mute\":\"\"}",
					    "{\"mute\":\"/a\",\"until\":-1}",
					    "{\"mute\":\"/a\",\"until\":1e300}",
					    "{\"mute\":\"/a\",\"until\":\"x\"}",
					    "{\"until\":1}",
					    "{\"other\":\"/a\"}"};
	static char much[WIRE_PATH_MAX + 16];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_false(parse(lines[i], strlen(lines[i])));
	memset(much, 'x', sizeof(much));
	memcpy(much, "{\"ack\":\"", 8);
	memcpy(much + sizeof(much) - 2, "\"}", 2);
	assert_false(parse(much, sizeof(much)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_bad),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(r.program);
	return failed;
}
