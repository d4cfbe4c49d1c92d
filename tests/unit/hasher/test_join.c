// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_join.c - the rule that brings an event and an exec record together, one case per measured failure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hasher/join.h"

static const struct wire_file program = {
	.ino = 100, .size_bytes = 5000, .ctime_s = 10, .ctime_ns = 1, .mtime_s = 9, .mtime_ns = 2, .dev = 1};
static const struct wire_file ld_so = {
	.ino = 200, .size_bytes = 7000, .ctime_s = 5, .ctime_ns = 1, .mtime_s = 5, .mtime_ns = 2, .dev = 1};

static void certain(void **state)
{
	struct join *j = join_new(JOIN_MAX);
	struct wire_file record = program;
	__u64 id = 0;

	(void)state;
	join_add(j, 7, &program, 1, 0);
	join_add(j, 7, &ld_so, 2, 0);
	record.dev = 99; /* btrfs, overlay: never the same */
	record.generation = 4;
	assert_int_equal(join_find(j, 7, &record, &id), JOIN_CERTAIN);
	assert_int_equal(id, 1);
	/* one event stands for several execs of the process: it stays */
	assert_int_equal(join_find(j, 7, &record, &id), JOIN_CERTAIN);
	assert_int_equal(join_find(j, 8, &record, &id), JOIN_NONE);
	join_free(j);
}

static void renamed_and_changed(void **state)
{
	struct join *j = join_new(JOIN_MAX);
	struct wire_file record = program;
	__u64 id = 0;

	(void)state;
	join_add(j, 7, &program, 1, 0);
	record.ctime_ns++;
	assert_int_equal(join_find(j, 7, &record, &id), JOIN_RENAMED);
	assert_int_equal(id, 1);
	record.mtime_ns++;
	id = 0;
	assert_int_equal(join_find(j, 7, &record, &id), JOIN_CHANGED);
	assert_int_equal(id, 0);
	record = program;
	record.size_bytes++;
	assert_int_equal(join_find(j, 7, &record, &id), JOIN_CHANGED);
	record = program;
	record.ino++;
	assert_int_equal(join_find(j, 7, &record, &id), JOIN_NONE);
	join_free(j);
}

/* Certain beats renamed beats changed, however they came. */
static void best_wins(void **state)
{
	struct wire_file renamed = program, changed = program;
	int order;

	(void)state;
	renamed.ctime_s++;
	changed.ctime_s++;
	changed.mtime_s++;
	for (order = 0; order < 2; order++) {
		struct join *j = join_new(JOIN_MAX);
		__u64 id = 0;

		join_add(j, 7, order ? &program : &changed, order ? 1 : 3, 0);
		join_add(j, 7, &renamed, 2, 0);
		assert_int_equal(join_find(j, 7, &program, &id), order ? JOIN_CERTAIN : JOIN_RENAMED);
		assert_int_equal(id, order ? 1 : 2);
		join_add(j, 7, order ? &changed : &program, order ? 3 : 1, 0);
		assert_int_equal(join_find(j, 7, &program, &id), JOIN_CERTAIN);
		assert_int_equal(id, 1);
		join_free(j);
	}
}

static void exit_and_age(void **state)
{
	struct join *j = join_new(JOIN_MAX);
	__u64 id;

	(void)state;
	join_add(j, 7, &program, 1, 1000);
	join_add(j, 8, &program, 1, 1000);
	join_add(j, 9, &program, 1, 5000);
	join_exit(j, 8);
	assert_int_equal(join_find(j, 8, &program, &id), JOIN_NONE);
	assert_int_equal(join_find(j, 7, &program, &id), JOIN_CERTAIN);
	join_expire(j, 1000 + JOIN_KEEP_MS - 1);
	assert_int_equal(join_find(j, 7, &program, &id), JOIN_CERTAIN);
	join_expire(j, 1000 + JOIN_KEEP_MS);
	assert_int_equal(join_find(j, 7, &program, &id), JOIN_NONE);
	assert_int_equal(join_find(j, 9, &program, &id), JOIN_CERTAIN);
	assert_int_equal(join_count(j), 1);
	join_exit(j, 9);
	assert_int_equal(join_count(j), 0);
	join_free(j);
}

/* At the bound the oldest goes, and is counted; all others are still found. */
static void bound(void **state)
{
	struct join *j = join_new(JOIN_MAX);
	unsigned i, dropped = 0;
	__u64 id;

	(void)state;
	for (i = 1; i <= JOIN_MAX + 100; i++)
		dropped += (unsigned)join_add(j, i, &program, i, i);
	assert_int_equal(dropped, 100);
	assert_int_equal(join_count(j), JOIN_MAX);
	for (i = 1; i <= JOIN_MAX + 100; i++) {
		id = 0;
		assert_int_equal(join_find(j, i, &program, &id), i <= 100 ? JOIN_NONE : JOIN_CERTAIN);
		assert_int_equal(id, i <= 100 ? 0 : i);
	}
	for (i = JOIN_MAX + 100; i; i--)
		join_exit(j, i);
	assert_int_equal(join_count(j), 0);
	join_add(j, 7, &program, 1, 0);
	assert_int_equal(join_find(j, 7, &program, &id), JOIN_CERTAIN);
	join_free(j);
}

/* Those that live long stand in nobody's way: of the dead between them, none holds a place. */
static void long_lives(void **state)
{
	struct join *j = join_new(JOIN_MAX);
	unsigned i, dropped = 0;
	__u64 id;

	(void)state;
	for (i = 1; i <= 5 * JOIN_MAX; i++) {
		dropped += (unsigned)join_add(j, i, &program, i, i);
		dropped += (unsigned)join_add(j, i, &ld_so, 1000000 + i, i);
		if (i > 100 && i % 100)
			join_exit(j, i - i % 7); /* some twice, some never */
		if (i > 100 && i % 1000)
			join_exit(j, i);
	}
	assert_int_equal(dropped, 0);
	for (i = 1; i <= 5 * JOIN_MAX; i++) {
		bool lives = i <= 100 || i % 1000 == 0;

		if (i % 7 == 0)
			continue;
		id = 0;
		assert_int_equal(join_find(j, i, &program, &id), lives ? JOIN_CERTAIN : JOIN_NONE);
		assert_int_equal(id, lives ? i : 0);
		if (lives)
			assert_int_equal(join_find(j, i, &ld_so, &id), JOIN_CERTAIN);
	}
	for (i = 1; i <= 5 * JOIN_MAX; i++)
		join_exit(j, i);
	assert_int_equal(join_count(j), 0);
	join_free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certain),   cmocka_unit_test(renamed_and_changed),
		cmocka_unit_test(best_wins), cmocka_unit_test(exit_and_age),
		cmocka_unit_test(bound),     cmocka_unit_test(long_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
