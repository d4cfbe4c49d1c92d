// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_coverage.c - what was watched is known months later: the lines, their bound, and who says them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/coverage.h"
#include "tests/unit/store/scratch.h"

static void lines_are_taken_apart(void **state)
{
	static const struct {
		const char *line, *want;
	} table[] = {
		{"TCP sent: proven", "TCP sent|proven|NULL"},
		{"hooks tracepoints: 15 attached", "hooks tracepoints|attached|15 attached"},
		{"refused fexit/inet_sendmsg: Operation not permitted",
		 "fexit/inet_sendmsg|refused|Operation not permitted"},
		{"refused tp_btf/x: verifier: R1 type: scalar", "tp_btf/x|refused|verifier: R1 type: scalar"},
		{"refused x", "x|refused|NULL"},
		{"NOT PROVEN: TCP sent (12 of 13 bytes seen)", "TCP sent|not proven|12 of 13 bytes seen"},
		{"NOT PROVEN: datagrams sent (loopback: No route (at all))",
		 "datagrams sent|not proven|loopback: No route (at all)"},
		{"NOT PROVEN: fanotify: Function not implemented; programs are hashed through /proc",
		 "fanotify|not proven|Function not implemented; programs are hashed through /proc"},
		{"NOT PROVEN: anything", "anything|not proven|NULL"},
		{"NOT PROVEN: ", "|not proven|NULL"},
		{"exec events on 12 filesystems", "exec events on 12 filesystems|noted|NULL"},
		{"snitch.db, schema 2 (of 2)", "snitch.db, schema 2 (of 2)|noted|NULL"},
		{"memory: 3 MB", "memory|noted|3 MB"},
		{"x", "x|noted|NULL"},
		{"", "|noted|NULL"},
		{": ", "|noted|"},
	};
	const char *item, *what, *reason;
	char line[128], got[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(line, sizeof(line), "%s", table[i].line);
		coverage_item(line, &item, &what, &reason);
		snprintf(got, sizeof(got), "%s|%s|%s", item, what, reason ? reason : "NULL");
		assert_string_equal(got, table[i].want);
	}
}

static void say(struct coverage *c, enum wire_stage stage, const char *text)
{
	coverage_add(c, stage, text, strlen(text));
}

static void a_set_for_each_start(void **state)
{
	struct coverage c = {.start_s = 1000};
	struct scratch s;
	char want[64];
	int i;

	(void)state;
	scratch_open(&s);
	say(&c, WIRE_STAGE_COLLECTOR, "TCP sent: proven\nkernel 6.1.0\n\nrefused a: b");
	say(&c, WIRE_STAGE_HASHER, "fine");
	assert_int_equal(coverage_write(&c, &s.db), 0);
	assert_string_equal(
		scratch_ask(&s, "SELECT time, kernel, item, state, reason, stage, unix_time FROM coverage"),
		"1970-01-01T00:16:40Z|6.1.0|TCP sent|proven|NULL|collector|1000\n"
		"1970-01-01T00:16:40Z|6.1.0|a|refused|b|collector|1000\n"
		"1970-01-01T00:16:40Z|6.1.0|fine|noted|NULL|hasher|1000");
	say(&c, WIRE_STAGE_STORE, "fine too"); /* the rest of the same start */
	assert_int_equal(coverage_write(&c, &s.db), 0);
	assert_string_equal(scratch_ask(&s, "SELECT count(*), count(DISTINCT id) FROM proof"), "4|4");
	s.db.wal_frames = 0;
	assert_int_equal(coverage_write(&c, &s.db), 0); /* nothing new */
	assert_int_equal(s.db.wal_frames, 0);
	for (i = 1; i <= 2 * COVERAGE_STARTS_MAX; i++) {
		c.start_s = 1000 + i;
		c.waits = true;
		assert_int_equal(coverage_write(&c, &s.db), 0);
	}
	snprintf(want, sizeof(want), "%d|%d|%d", COVERAGE_STARTS_MAX, 1000 + COVERAGE_STARTS_MAX + 1,
		 4 * COVERAGE_STARTS_MAX);
	assert_string_equal(
		scratch_ask(&s, "SELECT count(DISTINCT unix_time), min(unix_time), count(*) FROM coverage"),
		want);
	coverage_close(&c);
	scratch_close(&s);
}

static void what_cannot_be_written_waits(void **state)
{
	struct coverage c = {.start_s = 1000};
	sqlite3 *other = NULL;
	struct scratch s;

	(void)state;
	scratch_open(&s);
	say(&c, WIRE_STAGE_COLLECTOR, "TCP sent: proven");
	sqlite3_open(s.db.path, &other);
	sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	assert_int_equal(coverage_write(&c, &s.db), -EBUSY);
	sqlite3_close(other);
	assert_int_equal(coverage_write(&c, &s.db), 0);
	assert_string_equal(scratch_ask(&s, "SELECT kernel, item FROM coverage"), "NULL|TCP sent");
	coverage_close(&c);
	scratch_close(&s);
}

/* The real one: every stage's lines, known by the time that anybody hears of it, and again in a new file. */
static void all_stages(void **state)
{
	static const char text[] = "TCP sent: proven\nkernel 6.1.0";
	struct wire_ready collector = {.stage = WIRE_STAGE_COLLECTOR, .text_len = sizeof(text) - 1};
	char dir[PATH_MAX], db[PATH_MAX + 16];
	struct feed f;

	(void)state;
	feed_tmpdir(dir);
	snprintf(db, sizeof(db), "%s/snitch.db", dir);
	feed_start(&f, dir, FEED_DEFAULTS);
	feed_put(&f, WIRE_READY, &collector, sizeof(collector), text, sizeof(text) - 1);
	assert_int_equal(feed_wait(&f, WIRE_READY, 1, 5000), 1);
	feed_ready(&f);
	assert_string_equal(feed_ask(&f, "SELECT DISTINCT kernel, stage FROM coverage ORDER BY 2"),
			    "6.1.0|collector\n6.1.0|store");
	assert_string_equal(feed_ask(&f, "SELECT unix_time BETWEEN strftime('%s', 'now') - 60 AND"
					 " strftime('%s', 'now') FROM coverage WHERE item = 'TCP sent'"),
			    "1");
	assert_int_equal(unlink(db), 0);
	feed_program_start(&f, 1, 0, "/bin/a", "a", 2, 1);
	feed_flow(&f, &(struct wire_flow[]){feed_tcp(1, 1, 1, 1, 1)}[0]);
	feed_window(&f, FEED_T + 10);
	feed_window(&f, FEED_T + 20);
	assert_string_equal(feed_ask(&f, "SELECT kernel, state FROM coverage WHERE item = 'TCP sent'"),
			    "6.1.0|proven");
	assert_int_equal(feed_stop(&f), 0);
	feed_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_taken_apart),
		cmocka_unit_test(a_set_for_each_start),
		cmocka_unit_test(what_cannot_be_written_waits),
		cmocka_unit_test(all_stages),
	};

	return cmocka_run_group_tests_name("store coverage", tests, NULL, NULL);
}
