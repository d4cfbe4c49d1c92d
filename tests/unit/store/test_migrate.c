// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_migrate.c - the way from an older schema: all steps or none, with a copy of what was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/store/scratch.h"

#define FIRST SCHEMA_V1 "CREATE VIEW losses AS SELECT * FROM loss;"

/* Another future, invented: version 2 adds a column, version 3 drops a view. */
static const struct migrate_step future[] = {
	{0, FIRST},
	{1, "ALTER TABLE loss ADD COLUMN note TEXT; UPDATE loss SET note = 'old'"},
	{2, "DROP VIEW losses"},
};
static const struct migrate_step broken[] = {
	{0, FIRST},
	{1, "ALTER TABLE loss ADD COLUMN note TEXT"},
	{2, "DROP VIEW there_is_none"},
};

static struct scratch s;
static char path[PATH_MAX];

static int setup(void **state)
{
	(void)state;
	scratch_open_as(&s, future, 1);
	scratch_run(&s, "INSERT INTO loss VALUES(1, 2, 3, 4, 1, 6, 7, 'text')");
	snprintf(path, sizeof(path), "%s", s.db.path);
	sqlite_close(&s.db);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scratch_close(&s);
	return 0;
}

static int migrate_to(const struct migrate_step *steps, int version)
{
	assert_int_equal(sqlite_open(&s.db, path), 0);
	return migrate_run(&s.db, steps, 3, version);
}

static void two_steps_at_once(void **state)
{
	char copy[PATH_MAX + 16];

	(void)state;
	assert_int_equal(migrate_to(future, 3), 0);
	assert_string_equal(feed_ask_file(path, "PRAGMA user_version"), "3");
	assert_string_equal(feed_ask_file(path, "SELECT detail, note FROM loss"), "text|old");
	assert_string_equal(feed_ask_file(path, "SELECT count(*) FROM sqlite_master WHERE name = 'losses'"),
			    "0");
	snprintf(copy, sizeof(copy), "%s.v1.bak", path);
	assert_string_equal(feed_ask_file(copy, "PRAGMA user_version"), "1");
	assert_string_equal(feed_ask_file(copy, "SELECT detail FROM losses"), "text");
	assert_int_equal(migrate_check(&s.db), 0);
}

static void a_step_that_fails_changes_nothing(void **state)
{
	(void)state;
	assert_true(migrate_to(broken, 3) < 0);
	assert_string_equal(feed_ask_file(path, "PRAGMA user_version"), "1");
	assert_string_equal(
		feed_ask_file(path, "SELECT count(*) FROM pragma_table_info('loss') WHERE name = 'note'"),
		"0");
	sqlite_close(&s.db);
	assert_int_equal(migrate_to(future, 3), 0); /* and can be done again, with a better program */
}

static void the_future_is_refused(void **state)
{
	(void)state;
	assert_int_equal(migrate_to(future, 3), 0);
	sqlite_close(&s.db);
	assert_int_equal(migrate_to(future, 2), -ENOTSUP);
	assert_non_null(strstr(s.db.why, "newer"));
	assert_string_equal(feed_ask_file(path, "PRAGMA user_version"), "3");
}

static void nothing_to_do(void **state)
{
	char copy[PATH_MAX + 16];

	(void)state;
	assert_int_equal(migrate_to(future, 1), 0);
	snprintf(copy, sizeof(copy), "%s.v1.bak", path);
	assert_int_not_equal(access(copy, F_OK), 0);
}

static void the_pragmas_we_rely_on(void **state)
{
	(void)state;
	assert_int_equal(migrate_to(future, 1), 0);
	assert_int_equal(sqlite_number(&s.db, "PRAGMA synchronous", -1), 2); /* FULL */
	assert_int_equal(sqlite_number(&s.db, "PRAGMA auto_vacuum", -1), 2); /* incremental */
	assert_string_equal(feed_ask_file(path, "PRAGMA journal_mode"), "wal");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(two_steps_at_once),      TEST(a_step_that_fails_changes_nothing),
		TEST(the_future_is_refused),  TEST(nothing_to_do),
		TEST(the_pragmas_we_rely_on),
	};

	return cmocka_run_group_tests_name("store migrate", tests, NULL, NULL);
}
