// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_options.c - the global options, wherever they stand, and the places that follow from them.
 */
#include "config/options.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define MAX 12

/* Parse args (NULL-terminated, without the program's name); what is left is in left, joined by blanks. */
static int parse(struct options *o, char **args, char *left, size_t size)
{
	char *argv[MAX + 2] = {"femtosnitch"};
	int argc = 1, rc, i;
	size_t at = 0;

	for (; args[argc - 1]; argc++)
		argv[argc] = args[argc - 1];
	rc = options_parse(o, &argc, argv);
	left[0] = '\0';
	for (i = 1; rc == 0 && i < argc; i++)
		at += (size_t)snprintf(left + at, size - at, "%s%s", at ? " " : "", argv[i]);
	return rc;
}

static void test_defaults(void **state)
{
	char *args[MAX] = {"status", NULL}, left[128];
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, args, left, sizeof(left)), 0);
	assert_string_equal(left, "status");
	assert_string_equal(o.state_dir, "/var/lib/femtosnitch");
	assert_string_equal(o.log_dir, "/var/log/femtosnitch");
	assert_string_equal(o.config, SYSCONFDIR "/femtosnitch/config.json");
	assert_string_equal(o.bin_dir, LIBEXECDIR); /* there are no stages beside this program */
	assert_true(!o.config_given && !o.typed_state && !o.debug);
}

static void test_anywhere(void **state)
{
	static char *table[][MAX] = {
		{"--state-dir", "/s", "--config", "/c", "--debug", "query", "top", "--json", NULL},
		{"query", "top", "--json", "--state-dir=/s", "--config=/c", "--debug", NULL},
		{"query", "--config", "/c", "top", "--state-dir", "/s///", "--debug", "--json", NULL},
	};
	struct options o;
	char left[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(parse(&o, table[i], left, sizeof(left)), 0);
		assert_string_equal(left, "query top --json");
		assert_string_equal(o.state_dir, "/s");
		assert_string_equal(o.log_dir, "/s");
		assert_string_equal(o.config, "/c");
		assert_true(o.config_given && o.typed_state && o.debug);
	}
}

static void test_not_ours(void **state)
{
	char *args[MAX] = {"query", "--", "--state-dir", "/s", NULL}, left[128];
	char *sql[MAX] = {"query", "select '--config'", "--statedir", "--config-file", NULL};
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, args, left, sizeof(left)), 0);
	assert_string_equal(left, "query -- --state-dir /s");
	assert_null(o.typed_state);
	assert_int_equal(parse(&o, sql, left, sizeof(left)), 0);
	assert_string_equal(left, "query select '--config' --statedir --config-file");
}

static void test_relative(void **state)
{
	char *args[MAX] = {"run", "--state-dir", "build/state", NULL}, left[128], path[128];
	struct options o;

	(void)state;
	assert_int_equal(chdir("/tmp"), 0);
	assert_int_equal(parse(&o, args, left, sizeof(left)), 0);
	assert_string_equal(o.state_dir, "/tmp/build/state");
	assert_string_equal(o.typed_state, "build/state");
	assert_string_equal(options_state_path(&o, "x", path, sizeof(path)), "/tmp/build/state/x");
	assert_null(options_state_path(&o, "x", path, 18));
}

static void test_bad(void **state)
{
	static char long_path[OPTIONS_PATH_MAX + 10];
	static char *table[][MAX] = {
		{"run", "--state-dir", NULL},
		{"run", "--config", "", NULL},
		{"run", "--config=", NULL},
		{"run", "--state-dir", long_path, NULL},
	};
	struct options o;
	char left[128];
	size_t i;

	(void)state;
	memset(long_path, '/', 1);
	memset(long_path + 1, 'x', sizeof(long_path) - 2);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(parse(&o, table[i], left, sizeof(left)), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_anywhere),
		cmocka_unit_test(test_not_ours), cmocka_unit_test(test_relative),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
