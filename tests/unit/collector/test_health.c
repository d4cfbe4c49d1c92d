// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_health.c - which skipped runs are lost, and which are only not made up for yet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/health.h"

static void skipped(void **state)
{
	/* a look, and what is lost for sure by then */
	static const struct {
		uint64_t looked, lost;
	} looks[] = {{0, 0}, {1, 0}, {0, 0}, {2, 0}, {3, 2}, {2, 2}, {9, 2}, {5, 5}, {5, 5}};
	struct health health = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		assert_int_equal(health_skipped(&health, looks[i].looked), looks[i].lost);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(skipped),
	};

	return cmocka_run_group_tests_name("collector health", tests, NULL, NULL);
}
