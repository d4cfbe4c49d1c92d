// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_programs.c - what is known of programs: first sightings at once, hashes that come late, changed files,
 * after a restart too. Against the real program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/store/feed.h"

#define ARGS(text) text, sizeof(text)

static struct feed f;
static char dir[PATH_MAX];

static int setup(void **state)
{
	(void)state;
	feed_tmpdir(dir);
	feed_start(&f, dir, FEED_DEFAULTS);
	feed_ready(&f);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(feed_stop(&f), 0);
	feed_rmdir(dir);
	return 0;
}

static void flow(unsigned pid, uint64_t sent)
{
	struct wire_flow flow = feed_tcp(pid, 4000, 443, sent, 0);

	feed_flow(&f, &flow);
}

static void pending(unsigned pid, const char *path, uint64_t file_id)
{
	struct feed_image i = {.key = FEED_KEY(pid, 1),
			       .path = path,
			       .comm = "late",
			       .file_id = file_id,
			       .hash_error = WIRE_HASH_PENDING};

	feed_image(&f, &i);
}

static void digest(uint64_t file_id, uint8_t sha, unsigned error)
{
	struct wire_digest d = {.file_id = file_id, .hash_error = error};

	memset(d.sha256, error ? 0 : sha, sizeof(d.sha256));
	feed_put(&f, WIRE_DIGEST, &d, sizeof(d), NULL, 0);
}

static void first_sightings_do_not_wait(void **state)
{
	struct feed_image announced = {
		.key = FEED_KEY(2, 1), .path = "/bin/b", .comm = "b", .sha = 2, .source = WIRE_EXEC_NETWORK};

	(void)state;
	feed_program_start(&f, 1, 0, "/bin/a", ARGS("a"), 1);
	flow(1, 1);
	feed_within(&f, 1, "SELECT exe, seen_as FROM programs", "/bin/a|new");
	feed_image(&f, &announced);
	feed_within(&f, 1, "SELECT exe, seen_as FROM programs ORDER BY exe", "/bin/a|new\n/bin/b|new");
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM connections"),
			    "0"); /* these wait for the window */
}

static void what_is_new_about_it(void **state)
{
	struct feed_image other_name = {.key = FEED_KEY(3, 1), .path = "/bin/a", .comm = "alias", .sha = 2};

	(void)state;
	feed_program_start(&f, 1, 0, "/bin/a", ARGS("a"), 1);
	flow(1, 1);
	feed_window(&f, FEED_T + 10);
	feed_restart(&f, dir, FEED_DEFAULTS);
	feed_program_start(&f, 1, 0, "/bin/a", ARGS("a"), 1); /* nothing */
	flow(1, 1);
	feed_program_start(&f, 2, 0, "/bin/a", ARGS("a"), 2); /* another content */
	flow(2, 1);
	feed_window(&f, FEED_T + 20);
	feed_image(&f, &other_name);
	flow(3, 1);
	feed_window(&f, FEED_T + 30);
	assert_string_equal(
		feed_ask(&f, "SELECT name, substr(sha256, 1, 2), seen_as FROM programs ORDER BY rowid"),
		"a|01|new\na|02|changed\nalias|02|name");
}

static void a_hash_that_comes_after_the_row(void **state)
{
	(void)state;
	pending(1, "/bin/big", 7);
	flow(1, 1);
	feed_window(&f, FEED_T + 10);
	assert_string_equal(feed_ask(&f, "SELECT sha256, hash_error FROM connections"), "NULL|pending");
	assert_string_equal(feed_ask(&f, "SELECT seen_as FROM programs"), "NULL");
	digest(7, 9, 0);
	feed_within(&f, 1, "SELECT substr(sha256, 1, 4), hash_error FROM connections", "0909|NULL");
	assert_string_equal(feed_ask(&f, "SELECT seen_as FROM programs"), "new");
}

/* The process is long gone when the hash comes. */
static void a_late_hash_of_a_short_life(void **state)
{
	struct wire_exit gone = {.tgid = 1, .start_ns = FEED_KEY(1, 1).start_ns};
	int window;

	(void)state;
	pending(1, "/bin/big", 7);
	flow(1, 1);
	feed_put(&f, WIRE_EXIT, &gone, sizeof(gone), NULL, 0);
	for (window = 1; window < 6; window++)
		feed_window(&f, FEED_T + 10 * window);
	digest(7, 9, 0);
	feed_within(&f, 1, "SELECT substr(sha256, 1, 4), hash_error FROM connections", "0909|NULL");
}

/* The row that waited turns out to be a program that was known: all that refers to it moves there. */
static void a_late_hash_of_a_known_program(void **state)
{
	struct feed_image known = {
		.key = FEED_KEY(9, 1), .path = "/bin/big", .comm = "late", .file_id = 3, .sha = 9};

	(void)state;
	feed_image(&f, &known);
	flow(9, 100);
	feed_window(&f, FEED_T + 10);
	feed_restart(&f, dir, FEED_DEFAULTS);
	pending(1, "/bin/big", 7);
	flow(1, 1);
	feed_window(&f, FEED_T + 20);
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM programs"), "2");
	digest(7, 9, 0);
	feed_within(&f, 1, "SELECT count(*) FROM programs", "1");
	assert_string_equal(feed_ask(&f, "SELECT substr(sha256, 1, 2), send FROM connections ORDER BY send"),
			    "09|1\n09|100");
	assert_string_equal(feed_ask(&f, "SELECT send, connections FROM traffic_5min"), "101|2");
	assert_string_equal(feed_ask(&f, "SELECT send, connections FROM totals_day"), "101|2");
	flow(1, 10);
	feed_window(&f, FEED_T + 30);
	assert_string_equal(feed_ask(&f, "SELECT sum(send), count(*) FROM totals_day"), "111|1");
}

static void a_hash_that_never_comes(void **state)
{
	(void)state;
	pending(1, "/bin/big", 7);
	flow(1, 1);
	feed_window(&f, FEED_T + 10);
	feed_restart(&f, dir, FEED_DEFAULTS);
	assert_string_equal(feed_ask(&f, "SELECT hash_error FROM connections"), "abandoned");
	pending(1, "/bin/other", 8);
	flow(1, 2);
	digest(8, 0, WIRE_HASH_READ);
	feed_window(&f, FEED_T + 20);
	assert_string_equal(feed_ask(&f, "SELECT sha256, hash_error FROM connections WHERE send = 2"),
			    "NULL|read");
}

static void a_file_that_was_written_to(void **state)
{
	struct wire_changed changed = {.file_id = 1, .time_ns = 1234 * FEED_NS};

	(void)state;
	feed_program_start(&f, 1, 0, "/bin/a", ARGS("a"), 1);
	flow(1, 1);
	feed_window(&f, FEED_T + 10);
	feed_put(&f, WIRE_CHANGED, &changed, sizeof(changed), NULL, 0);
	flow(1, 1);
	feed_window(&f, FEED_T + 20);
	assert_string_equal(feed_ask(&f, "SELECT exe, modified FROM programs"), "/bin/a|1234");
}

/* Our own programs are known from the start, and by themselves no reason to write. */
static void our_own_traffic_waits(void **state)
{
	struct feed_image own = {.key = FEED_KEY(1, 1),
				 .path = "/usr/libexec/own",
				 .comm = "own",
				 .sha = 1,
				 .flags = WIRE_EXEC_SELF};
	struct wire_window w = {.to_ns = (FEED_T + 10) * FEED_NS};

	(void)state;
	feed_image(&f, &own);
	flow(1, 5);
	feed_put(&f, WIRE_WINDOW, &w, sizeof(w), NULL, 0);
	assert_int_equal(feed_wait(&f, WIRE_COMMITTED, 1, 3000), 1);
	assert_int_equal(f.rows, 0);
	feed_program_start(&f, 2, 0, "/bin/a", ARGS("a"), 2);
	flow(2, 1);
	feed_put(&f, WIRE_WINDOW, &w, sizeof(w), NULL, 0);
	assert_int_equal(feed_wait(&f, WIRE_COMMITTED, 1, 3000), 1);
	assert_int_equal(f.rows, 2);
	assert_string_equal(feed_ask(&f, "SELECT exe, acknowledged FROM programs ORDER BY exe"),
			    "/bin/a|0\n/usr/libexec/own|1");
}

/* 40,000 flows of one window do not wait for its end. */
static void a_big_window_is_written_early(void **state)
{
	struct wire_flow one;
	unsigned i;

	(void)state;
	feed_program_start(&f, 1, 0, "/bin/a", ARGS("a"), 1);
	for (i = 0; i < 40000; i++) {
		one = feed_tcp(1, (uint16_t)i, 443, 1, 0);
		feed_flow(&f, &one);
	}
	feed_within(&f, 1, "SELECT count(*) FROM flow", "32768");
	feed_window(&f, FEED_T + 10);
	assert_string_equal(feed_ask(&f, "SELECT count(*), sum(send) FROM connections"), "40000|40000");
	assert_string_equal(feed_ask(&f, "SELECT sum(send), sum(connections) FROM totals_hour"),
			    "40000|40000");
	assert_string_equal(feed_ask(&f, "SELECT min(first_id), max(last_id) FROM flow_range"), "1|40000");
}

static void frames_come_back(void **state)
{
	struct wire_tick tick = {.sequence = 42};

	(void)state;
	feed_put(&f, WIRE_TICK, &tick, sizeof(tick), NULL, 0);
	assert_int_equal(feed_wait(&f, WIRE_TICK, 1, 3000), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(first_sightings_do_not_wait),     TEST(what_is_new_about_it),
		TEST(a_hash_that_comes_after_the_row), TEST(a_late_hash_of_a_short_life),
		TEST(a_late_hash_of_a_known_program),  TEST(a_hash_that_never_comes),
		TEST(a_file_that_was_written_to),      TEST(our_own_traffic_waits),
		TEST(a_big_window_is_written_early),   TEST(frames_come_back),
	};

	return cmocka_run_group_tests_name("store programs", tests, NULL, NULL);
}
