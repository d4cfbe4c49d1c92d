// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_seen.c - a connection is counted once, within bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/seen.h"

static void once(void **state)
{
	struct seen *s = seen_new();

	(void)state;
	assert_true(seen_first(s, 7, false, 0));
	assert_false(seen_first(s, 7, false, 10));
	assert_false(seen_first(s, 7, true, 20));
	assert_int_equal(seen_count(s), 0);
	assert_true(seen_first(s, 7, true, 30)); /* another one with the same hash; it ended at once */
	assert_int_equal(seen_count(s), 0);
	assert_true(seen_first(s, 0, false, 30));
	assert_false(seen_first(s, 0, false, 30));
	seen_free(s);
}

static void survives_one_generation_by_use(void **state)
{
	struct seen *s = seen_new();
	int64_t t;

	(void)state;
	seen_first(s, 7, false, 0);
	for (t = 0; t < 20 * 3600; t += 1800)
		assert_false(seen_first(s, 7, false, t));
	assert_true(seen_first(s, 7, false, t + 3 * 3600) || seen_first(s, 8, false, t + 3 * 3600));
	seen_free(s);
}

static void silent_ones_are_forgotten(void **state)
{
	struct seen *s = seen_new();

	(void)state;
	seen_first(s, 7, false, 0);
	seen_first(s, 8, false, 4000);
	seen_first(s, 9, false, 8000);
	assert_true(seen_first(s, 7, false, 8001));
	seen_free(s);
}

static void bounded(void **state)
{
	struct seen *s = seen_new();
	uint64_t i;

	(void)state;
	for (i = 1; i < 10 * SEEN_MAX; i++)
		assert_true(seen_first(s, i * 0x9e3779b97f4a7c15u, false, 1));
	assert_true(seen_count(s) <= 2 * SEEN_MAX);
	for (i = 10 * SEEN_MAX - 1; i > 9 * SEEN_MAX + 10; i--)
		assert_false(seen_first(s, i * 0x9e3779b97f4a7c15u, false, 1));
	seen_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(once),
		cmocka_unit_test(survives_one_generation_by_use),
		cmocka_unit_test(silent_ones_are_forgotten),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests_name("store seen", tests, NULL, NULL);
}
