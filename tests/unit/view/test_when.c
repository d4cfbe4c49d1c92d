// SPDX-License-Identifier: GPL-2.0-or-later
/* Times a person types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "view/when.h"

#define NOW INT64_C(1800000000)

static void test_good(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} table[] = {
		{"0s", NOW},
		{"90s", NOW - 90},
		{"10m", NOW - 600},
		{"3h", NOW - 10800},
		{"2d", NOW - 172800},
		{"1w", NOW - 604800},
		{"1970-01-01", 0},
		{"2026-11-20", 1795132800},
		{"2026-11-20T18:15", 1795198500},
		{"2026-11-20T18:15:07", 1795198507},
		{"2026-11-20T18:15:07Z", 1795198507},
		{"2026-11-20 18:15:07z", 1795198507},
		{"2026-11-20T18:15:07+02:00", 1795191307},
		{"2026-11-20T18:15:07-0130", 1795203907},
		{"2024-02-29", 1709164800},
		{"2038-01-19T03:14:08", 2147483648},
	};
	int64_t got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(when_parse(table[i].text, NOW, &got), 0);
		if (got != table[i].want)
			fail_msg("%s: %lld, not %lld", table[i].text, (long long)got,
				 (long long)table[i].want);
	}
}

static void test_bad(void **state)
{
	static const char *const table[] = {
		"",
		"h",
		"10",
		"10x",
		"10mm",
		"-10m",
		"1.5h",
		" 10m",
		"10m ",
		"yesterday",
		"2026",
		"2026-11",
		"2026-13-01",
		"2026-00-10",
		"2026-02-30",
		"2023-02-29",
		"2026-11-32",
		"2026-11-20T",
		"2026-11-20T18",
		"2026-11-20T18:15:",
		"2026-11-20T24:00",
		"2026-11-20T18:60",
		"2026-11-20T18:15:07.5",
		"2026-11-20T18:15:07+2",
		"2026-11-20T18:15:07Z ",
		"2026-1-2",
		"1969-12-31",
		"20261120",
		"2026-11-20T18:15:07+02:",
		"2026-11-20T18:15:07+15:00",
		"99999999999999999999d",
	};
	int64_t got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (when_parse(table[i], NOW, &got) != -EINVAL)
			fail_msg("taken: \"%s\"", table[i]);
}

static void test_text(void **state)
{
	char text[WHEN_TEXT_SIZE];

	(void)state;
	assert_string_equal(when_text(1795198507, text), "2026-11-20T18:15:07Z");
	assert_string_equal(when_text(0, text), "1970-01-01T00:00:00Z");
	assert_true(strlen(when_text(INT64_MAX, text)) < WHEN_TEXT_SIZE);
	assert_string_equal(when_span(1, text), "1 second");
	assert_string_equal(when_span(-5, text), "0 seconds");
	assert_string_equal(when_span(119, text), "119 seconds");
	assert_string_equal(when_span(120, text), "2 minutes");
	assert_string_equal(when_span(7200, text), "2 hours");
	assert_string_equal(when_span(172800, text), "2 days");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
