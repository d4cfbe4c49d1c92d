// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_notice.c - a line of the system's side, whole, cut at each byte, and with members of any type.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/notify/notice.h"

static const char whole[] =
	"{\"id\":5,\"kind\":\"changed\",\"exe\":\"/bin/a\",\"name\":\"a\",\"user\":null,\"text\":\"t\","
	"\"package\":\"p\",\"version\":\"1\",\"manager\":\"dpkg\",\"explained\":\"yes\",\"run\":3,"
	"\"members\":2,\"packages\":1,\"seen\":4}";

static bool parse(struct notice *n, const char *line, size_t len)
{
	char *copy = malloc(len ? len : 1);
	bool good;

	memcpy(copy, line, len);
	good = notice_parse(n, copy, len);
	free(copy);
	return good;
}

static void test_whole(void **state)
{
	struct notice n;

	(void)state;
	assert_true(parse(&n, whole, strlen(whole)));
	assert_string_equal(n.kind, "changed");
	assert_string_equal(n.exe, "/bin/a");
	assert_string_equal(n.explained, "yes");
	assert_null(n.user);
	assert_int_equal(n.id * 1000 + n.run * 100 + n.members * 10 + n.seen, 5324);
	notice_free(&n);
}

static void test_cut(void **state)
{
	struct notice n;
	size_t len;

	(void)state;
	for (len = 0; len < strlen(whole); len++)
		assert_false(parse(&n, whole, len));
}

static void test_any_type(void **state)
{
	static const char odd[] =
		"{\"id\":\"5\",\"kind\":7,\"exe\":[],\"text\":{},\"seen\":-4,\"run\":1e99,\"summary\":2,"
		"\"names\":[\"a\",3,null,\"b\",[\"c\"]]}";
	struct notice n;

	(void)state;
	assert_true(parse(&n, odd, strlen(odd)));
	assert_string_equal(n.kind, "new");
	assert_string_equal(n.text, "a, b");
	assert_null(n.exe);
	assert_int_equal(n.id + n.seen + n.run, 0);
	notice_free(&n);
	assert_true(parse(&n, "{\"summary\":2,\"names\":\"x\"}", 26));
	assert_string_equal(n.text, "");
	notice_free(&n);
	assert_false(parse(&n, "[]", 2));
	assert_false(parse(&n, "\"x\"", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_any_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
