// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_copied.c - what the store keeps of what a copy says, without a copy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/store/feed.h"

static struct feed f;
static char dir[PATH_MAX];

#define SETTINGS "{\"DB sql server\": \"host=/nowhere\"}"
#define SEQ "SELECT name, seq FROM sink"

static void window(uint16_t lport)
{
	struct wire_flow flow = feed_tcp(1, lport, 443, 1, 1);

	feed_flow(&f, &flow);
	feed_window(&f, FEED_T + lport);
}

static void say(uint64_t seq, uint64_t file)
{
	struct wire_sink sink = {.seq = seq, .file = file, .stage = WIRE_STAGE_POSTGRES};

	feed_put(&f, WIRE_SINK, &sink, sizeof(sink), NULL, 0);
}

static uint64_t inode(void)
{
	char path[PATH_MAX + 16];
	struct stat st;

	snprintf(path, sizeof(path), "%s/snitch.db", dir);
	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static void begin(void)
{
	feed_tmpdir(dir);
	feed_start(&f, dir, SETTINGS);
	feed_ready(&f);
	feed_program_start(&f, 1, 0, "/bin/a", "a", 2, 1);
	window(1);
}

/* In the transaction of the next window, and it never goes back. */
static void it_is_kept(void **state)
{
	(void)state;
	begin();
	say(1, inode());
	window(2);
	assert_string_equal(feed_ask(&f, SEQ), "postgres|1");
	say(2, inode());
	say(1, inode());
	assert_int_equal(feed_wait(&f, WIRE_SINK, 2, 2000), 2); /* the supervisor shows it */
	feed_stop(&f);
	assert_string_equal(feed_ask(&f, SEQ), "postgres|2");
	feed_rmdir(dir);
}

/* What is said of a snitch.db that was here before would hide rows of this one. */
static void another_file_is_not_meant(void **state)
{
	(void)state;
	begin();
	say(1000, inode() + 1);
	window(2);
	feed_stop(&f);
	assert_string_equal(feed_ask(&f, SEQ), "");
	feed_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_kept),
		cmocka_unit_test(another_file_is_not_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
