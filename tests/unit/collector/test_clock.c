// SPDX-License-Identifier: GPL-2.0-or-later
/* Jiffies become unix time; a clock that breaks is noticed and does not move what happened before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "collector/clock.h"

#define S 1000000000ll

static struct clock_reading at(int64_t real, int64_t boot, int64_t mono)
{
	return (struct clock_reading){.real_ns = real, .boot_ns = boot, .mono_ns = mono};
}

static void tick_is_a_jiffy(void **state)
{
	uint64_t tick = clock_tick_ns();

	(void)state;
	assert_in_range(tick, 1000000, 10000000); /* HZ is 100 to 1000 */
}

static void jiffies_become_unix_time(void **state)
{
	int64_t tick = clock_tick_ns();
	struct clock clock = {0};

	(void)state;
	clock_sync(&clock, 1000, at(5000 * S, 10 * S, 10 * S));
	assert_int_equal(clock_unix(&clock, 0), 0);
	assert_int_equal(clock_unix(&clock, 1000), 5000 * S);
	assert_int_equal(clock_unix(&clock, 1010), 5000 * S + 10 * tick);
	assert_int_equal(clock_unix(&clock, 990), 5000 * S - 10 * tick);
}

static void a_jump_moves_only_what_comes_after(void **state)
{
	int64_t tick = clock_tick_ns();
	struct clock clock = {0};

	(void)state;
	clock_sync(&clock, 1000, at(5000 * S, 10 * S, 10 * S));
	clock_sync(&clock, 2000, at(9000 * S, 14 * S, 14 * S));
	assert_int_equal(clock_unix(&clock, 1500), 5000 * S + 500 * tick);
	assert_int_equal(clock_unix(&clock, 2001), 9000 * S + tick);
}

static void breaks_are_told_apart(void **state)
{
	struct clock clock = {0};
	int64_t by;

	(void)state;
	clock_sync(&clock, 1000, at(5000 * S, 10 * S, 10 * S));
	assert_int_equal(clock_compare(&clock, at(5004 * S, 14 * S, 14 * S), &by), CLOCK_STEADY);
	assert_int_equal(clock_compare(&clock, at(5104 * S, 114 * S, 14 * S), &by), CLOCK_SLEPT);
	assert_int_equal(by, 100 * S);
	assert_int_equal(clock_compare(&clock, at(4004 * S, 14 * S, 14 * S), &by), CLOCK_JUMPED);
	assert_int_equal(by, -1000 * S);
	assert_int_equal(clock_compare(&clock, at(5004 * S + S / 2, 14 * S, 14 * S), &by), CLOCK_STEADY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tick_is_a_jiffy),
		cmocka_unit_test(jiffies_become_unix_time),
		cmocka_unit_test(a_jump_moves_only_what_comes_after),
		cmocka_unit_test(breaks_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
