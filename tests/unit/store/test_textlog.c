// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_textlog.c - conn.log and error.log of the real program: columns, hostile values, rotation, modes.
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
	feed_start(&f, dir, "{\"DB text log\": true}");
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

static const char *slurp(const char *name)
{
	static char text[1 << 16];
	char path[PATH_MAX + 32];
	size_t n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "r");
	if (file) {
		n = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
	}
	text[n] = '\0';
	return text;
}

static void flow(unsigned pid, uint64_t sent)
{
	struct wire_flow flow = feed_tcp(pid, 4000, 443, sent, 7);

	feed_flow(&f, &flow);
}

static void seventeen_columns(void **state)
{
	time_t t = (time_t)FEED_T;
	char expected[1024], when[32];

	(void)state;
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime(&t));
	feed_program_start(&f, 1, 0, "/bin/parent", ARGS("p"), 0x11);
	feed_program_start(&f, 2, 1, "/bin/a,b\nc\rd", ARGS("a\0x,y\nz"), 0x22);
	flow(2, 5);
	feed_window(&f, FEED_T + 10);
	snprintf(expected, sizeof(expected),
		 "%s,5,7,/bin/abcd,abcd,a 'xyz',"
		 "2222222222222222222222222222222222222222222222222222222222222222,/bin/parent,parent,p,"
		 "1111111111111111111111111111111111111111111111111111111111111111,0,4000,443,10.0.0.1,10.0."
		 "0.2,\n",
		 when);
	assert_string_equal(slurp("conn.log"), expected);
}

static void nothing_for_a_terminal(void **state)
{
	(void)state;
	feed_program_start(&f, 1, 0, "/bin/\033[2J\xc2\x9b\xff\u202e\u00fc\u4e16\x7f", ARGS("a"), 1);
	flow(1, 5);
	feed_window(&f, FEED_T + 10);
	assert_non_null(strstr(slurp("conn.log"),
			       ",/bin/\\x1b[2J\\xc2\\x9b\\xff\\xe2\\x80\\xae\u00fc\u4e16\\x7f,"));
}

static void rotated(void **state)
{
	char from[PATH_MAX + 32], to[PATH_MAX + 32];
	struct stat st;

	(void)state;
	feed_program_start(&f, 1, 0, "/bin/a", ARGS("a"), 1);
	flow(1, 5);
	feed_window(&f, FEED_T + 10);
	snprintf(from, sizeof(from), "%s/conn.log", dir);
	snprintf(to, sizeof(to), "%s/conn.log.1", dir);
	assert_int_equal(rename(from, to), 0);
	flow(1, 6);
	feed_window(&f, FEED_T + 20);
	assert_non_null(strstr(slurp("conn.log"), ",6,7,/bin/a,"));
	assert_null(strstr(slurp("conn.log"), ",5,7,/bin/a,"));
	assert_int_equal(stat(from, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void errors_and_losses(void **state)
{
	struct wire_error e = {.time_ns = 1800000000 * FEED_NS, .stage = WIRE_STAGE_HASHER, .text_len = 9};
	struct wire_loss l = {.from_ns = 1800000000 * FEED_NS,
			      .to_ns = 1800000000 * FEED_NS,
			      .records = 3,
			      .bytes = 4,
			      .kind = WIRE_LOSS_RING_FULL,
			      .stage = WIRE_STAGE_COLLECTOR,
			      .detail_len = 2};

	(void)state;
	feed_put(&f, WIRE_ERROR, &e, sizeof(e), "bad\nthing", 9);
	feed_put(&f, WIRE_LOSS, &l, sizeof(l), "hm", 2);
	feed_put(&f, WIRE_LOSS, &l, sizeof(l), "hm", 2); /* once per window */
	feed_window(&f, FEED_T + 10);
	assert_int_equal(f.errors, 1); /* passed on */
	assert_int_equal(f.losses, 2);
	assert_string_equal(slurp("error.log"),
			    "2027-01-15 08:00:00 hasher: bad\\x0athing\n"
			    "2027-01-15 08:00:00 collector: loss: ring full, 3 records, 4 bytes: hm\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(seventeen_columns),
		TEST(nothing_for_a_terminal),
		TEST(rotated),
		TEST(errors_and_losses),
	};

	return cmocka_run_group_tests_name("store textlog", tests, NULL, NULL);
}
