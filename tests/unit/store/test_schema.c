// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_schema.c - the words in the views are the words of the wire, every view can be asked, and the
 * questions people ask use an index.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/wire_check.h"
#include "tests/unit/store/scratch.h"

static struct scratch s;

static int setup(void **state)
{
	(void)state;
	scratch_open(&s);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scratch_close(&s);
	return 0;
}

static void same_words(const char *expression, const char *(*name)(unsigned), unsigned max)
{
	char sql[2048];
	unsigned i;

	for (i = 0; i <= max; i++) { /* one beyond: NULL in both */
		snprintf(sql, sizeof(sql), "SELECT %s FROM (SELECT %u AS v)", expression, i);
		assert_string_equal(scratch_ask(&s, sql), name(i) ? name(i) : "NULL");
	}
}

static const char *kind_name(unsigned value)
{
	static const char *const kinds[] = {"new", "changed", "parent", "verdict", "error", "loss"};

	return value < 6 ? kinds[value] : NULL;
}

static void words_of_the_wire(void **state)
{
	(void)state;
	same_words(SCHEMA_HASH_ERROR("v"), wire_hash_error_name, WIRE_HASH__MAX);
	same_words(SCHEMA_DIRECTION("v"), wire_direction_name, WIRE_DIRECTION__MAX);
	same_words(SCHEMA_RESULT("v"), wire_result_name, WIRE_RESULT__MAX);
	same_words(SCHEMA_PEER("v"), wire_peer_name, WIRE_PEER__MAX);
	same_words(SCHEMA_SCRIPT("v"), wire_script_name, WIRE_SCRIPT__MAX);
	same_words(SCHEMA_LOSS_KIND("v"), wire_loss_name, WIRE_LOSS__MAX);
	same_words(SCHEMA_EXPLAINED("v"), wire_explained_name, WIRE_EXPLAINED__MAX);
	same_words(SCHEMA_NAME_SOURCE("v"), wire_name_source_name, WIRE_NAME__MAX);
	same_words(SCHEMA_STAGE("v"), wire_stage_name, WIRE_STAGE__MAX);
	same_words(SCHEMA_KIND("v"), kind_name, 6); /* "Notify kinds", config/values.c */
}

static void every_view_answers(void **state)
{
	static const char *const views[] = {"connections",  "programs",	   "losses",	  "coverage",
					    "interfaces",   "notices",	   "changes",	  "traffic_5min",
					    "traffic_hour", "traffic_day", "totals_5min", "totals_hour",
					    "totals_day",   "libraries"};
	char sql[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		snprintf(sql, sizeof(sql), "SELECT * FROM %s", views[i]);
		assert_string_equal(scratch_ask(&s, sql), "");
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", views[i]);
		assert_string_equal(scratch_ask(&s, sql), "0");
	}
	assert_string_equal(scratch_ask(&s, "SELECT count(*) FROM sqlite_master WHERE type = 'view'"), "14");
}

static void plan_has(const char *question, const char *part)
{
	char sql[512];
	const char *plan;

	snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", question);
	plan = scratch_ask(&s, sql);
	if (!strstr(plan, part))
		fail_msg("%s:\n%s\nlacks %s", question, plan, part);
	if (strstr(plan, "SCAN s") || strstr(plan, "SCAN flow"))
		fail_msg("%s reads a whole table:\n%s", question, plan);
}

static void questions_use_an_index(void **state)
{
	(void)state;
	plan_has("SELECT exe, sum(send) FROM totals_hour WHERE bucket >= 5 GROUP BY exe",
		 "SEARCH s USING PRIMARY KEY (bucket>");
	plan_has("SELECT exe, sum(send) FROM traffic_5min WHERE bucket >= 5 GROUP BY exe",
		 "SEARCH s USING PRIMARY KEY (bucket>");
	plan_has("SELECT exe, sum(send) FROM traffic_day WHERE raddr = '1.2.3.4' GROUP BY exe",
		 "sum_day_raddr (raddr=?");
	plan_has("SELECT raddr, sum(send) FROM traffic_day WHERE exe = '/bin/a' GROUP BY raddr",
		 "PRIMARY KEY (program=?");
	plan_has("SELECT exe FROM programs WHERE first_seen > 5", "program_first");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_of_the_wire),
		cmocka_unit_test(every_view_answers),
		cmocka_unit_test(questions_use_an_index),
	};

	return cmocka_run_group_tests_name("store schema", tests, setup, teardown);
}
