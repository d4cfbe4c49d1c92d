// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_retention.c - what goes, what stays: by age, by size, and what nothing refers to any more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/retention.h"
#include "tests/unit/store/scratch.h"

#define NOW 1800000000ll
#define DAY 86400ll

static struct scratch s;
static struct losses *losses;
static struct settings settings;
static struct retention retention;

static int setup(void **state)
{
	(void)state;
	scratch_open(&s);
	losses = losses_new();
	memset(&retention, 0, sizeof(retention));
	settings = (struct settings){.retention_days = 30, .size_limit_mb = 1000, .sql_log = true};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	losses_free(losses);
	scratch_close(&s);
	return 0;
}

/* rows flows of image with an address of its own, one a second from at, with their sums */
static void fill(int64_t at, unsigned rows, int64_t image)
{
	char sql[4096];

	snprintf(sql, sizeof(sql),
		 "BEGIN;"
		 "INSERT OR REPLACE INTO program(id, exe, name, sha256, hash_error, first_seen, last_seen)"
		 " VALUES(%2$lld, '/bin/p%2$lld', 'p', zeroblob(32), 0, %1$lld, %1$lld);"
		 "INSERT INTO image(id, identity, program, parent, cmdline, last_hour)"
		 " VALUES(%2$lld, %2$lld, %2$lld, 0, 'p', %1$lld / 3600 * 3600);"
		 "INSERT INTO address(id, text, last_hour) VALUES(%2$lld, 'a%2$lld', %1$lld / 3600 * 3600);"
		 "INSERT INTO place(id, identity, unit, last_hour) VALUES(%2$lld, 1, 'u', %1$lld / 3600 * "
		 "3600);"
		 "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %3$u - 1)"
		 " INSERT INTO flow(contime, lasted, image, send, recv, uid, lport, rport, laddr, raddr, "
		 "domain, family,"
		 " protocol, netns, events, direction, result, peer, sniffed)"
		 " SELECT %1$lld + i %% 300, 0, %2$lld, 1, 2, 0, 1, 2, 0, %2$lld, 0, 2, 6, 0, 1, 0, 1, 0, 0 "
		 "FROM n;"
		 "INSERT INTO flow_range SELECT %1$lld / 300 * 300, min(id), max(id) FROM flow WHERE image = "
		 "%2$lld;",
		 (long long)at, (long long)image, rows);
	scratch_run(&s, sql);
	snprintf(sql, sizeof(sql),
		 "INSERT INTO sum_5min VALUES(%1$lld / 300 * 300, %2$lld, %2$lld, 2, 6, 0, 0, 1, 2, 1);"
		 "INSERT INTO sum_hour VALUES(%1$lld / 3600 * 3600, %2$lld, %2$lld, 2, 6, 0, 0, 1, 2, 1);"
		 "INSERT INTO sum_day VALUES(%1$lld / 86400 * 86400, %2$lld, %2$lld, 2, 6, 0, 0, 1, 2, 1);"
		 "INSERT INTO total_5min VALUES(%1$lld / 300 * 300, %2$lld, 1, 2, 1);"
		 "INSERT INTO total_hour VALUES(%1$lld / 3600 * 3600, %2$lld, 1, 2, 1);"
		 "INSERT INTO total_day VALUES(%1$lld / 86400 * 86400, %2$lld, 1, 2, 1);"
		 "COMMIT",
		 (long long)at, (long long)image);
	scratch_run(&s, sql);
}

static unsigned run_all(void)
{
	unsigned slices = 0;
	int rc;

	while ((rc = retention_run(&retention, &s.db, &settings, losses, NOW)) == 1)
		assert_true(++slices < 1000);
	assert_int_equal(rc, 0);
	return slices;
}

static void nothing_to_do_writes_nothing(void **state)
{
	(void)state;
	fill(NOW - 29 * DAY, 10, 1);
	s.db.wal_frames = 0;
	assert_int_equal(run_all(), 0);
	assert_int_equal(s.db.wal_frames, 0);
}

static void by_age(void **state)
{
	(void)state;
	fill(NOW - 40 * DAY, 50000, 1);
	fill(NOW - 31 * DAY, 10, 2);
	fill(NOW - 29 * DAY, 10, 3);
	fill(NOW - 10, 10, 4);
	scratch_run(
		&s,
		"INSERT INTO loss VALUES(1, 5, 5, 8, 1, 1, 1, 'old'); INSERT INTO loss VALUES(2, 1799999999,"
		" 1799999999, 8, 1, 1, 1, 'new')");
	assert_true(run_all() >= 3); /* in slices */
	assert_string_equal(scratch_ask(&s, "SELECT image, count(*) FROM flow GROUP BY image"), "3|10\n4|10");
	assert_string_equal(scratch_ask(&s, "SELECT group_concat(program) FROM sum_5min"), "3,4");
	assert_string_equal(scratch_ask(&s, "SELECT group_concat(program) FROM total_hour"), "3,4");
	assert_string_equal(scratch_ask(&s, "SELECT group_concat(program) FROM sum_day"), "3,4");
	assert_string_equal(scratch_ask(&s, "SELECT count(*) FROM flow_range"), "2");
	assert_string_equal(scratch_ask(&s, "SELECT group_concat(id) FROM image"), "3,4");
	assert_string_equal(scratch_ask(&s, "SELECT group_concat(id) FROM address"), "3,4");
	assert_string_equal(scratch_ask(&s, "SELECT group_concat(id) FROM place"), "3,4");
	assert_string_equal(scratch_ask(&s, "SELECT count(*) FROM program"),
			    "4"); /* what was known stays known */
	assert_string_equal(scratch_ask(&s, "SELECT detail FROM loss"), "new");
	assert_int_equal(losses_count(losses), 0); /* as configured: no loss */
	assert_int_equal(run_all(), 0);
}

static void by_size_with_a_loss(void **state)
{
	int64_t i;

	(void)state;
	for (i = 0; i < 10; i++)
		fill(NOW - (20 - i) * DAY, 40000, i + 1);
	settings.size_limit_mb = 8;
	assert_true(sqlite_size_bytes(&s.db) > 12 << 20);
	run_all();
	assert_true(sqlite_size_bytes(&s.db) <= 8 << 20);
	assert_int_equal(losses_count(losses), 1);
	scratch_run(&s, "BEGIN");
	assert_int_equal(losses_write(losses, &s.db), 0);
	scratch_run(&s, "COMMIT");
	assert_string_equal(
		scratch_ask(&s, "SELECT kind, records = 400000 - (SELECT count(*) FROM flow), bytes = 3 *"
				" records FROM losses"),
		"retention|1|1");
	assert_string_equal(scratch_ask(&s, "SELECT max(image) FROM flow"), "10"); /* the newest stay */
	assert_string_equal(scratch_ask(&s, "SELECT min(image) > 1 FROM flow"), "1");
	assert_string_equal(
		scratch_ask(&s, "SELECT count(*) FROM flow f WHERE NOT EXISTS (SELECT 1 FROM image i WHERE"
				" i.id = f.image)"),
		"0");
	assert_string_equal(scratch_ask(&s, "SELECT min(id) > 1 FROM image"), "1");
}

/* Windows that go before the copy has them leave to the next one what they told of losses. */
static void losses_wait_for_the_copy(void **state)
{
	char sql[512];
	int64_t i;

	(void)state;
	for (i = 1; i <= 10; i++) {
		fill(NOW - (20 - i) * DAY, 40000, i);
		snprintf(sql, sizeof(sql),
			 "INSERT INTO chain(seq, run, time, first, flows, late, hash, losses) VALUES(%1$d, 1, 0, "
			 "%2$d,"
			 " 40000, 0, zeroblob(32), 2);"
			 "INSERT INTO loss_part(window, n, time_from, time_to, kind, stage, records, bytes, "
			 "detail)"
			 " VALUES(%1$d, 1, 0, 0, 1, 1, %1$d, 0, ''), (%1$d, 2, 0, 0, 1, 1, 100 + %1$d, 0, "
			 "'');",
			 (int)i, (int)(i - 1) * 40000 + 1);
		scratch_run(&s, sql);
	}
	scratch_run(
		&s,
		"INSERT INTO loss_part(window, n, time_from, time_to, kind, stage, records, bytes, detail)"
		" VALUES(11, 1, 0, 0, 1, 1, 11, 0, '')"); /* of the window that is written next */
	settings.size_limit_mb = 8;
	retention.copied = 2;
	run_all();
	assert_string_equal(scratch_ask(&s, "SELECT min(seq) > 4 FROM chain"), "1");
	assert_string_equal(
		scratch_ask(&s, "SELECT n, records FROM loss_part WHERE window = 11 ORDER BY n LIMIT 5"),
		"1|11\n2|3\n3|103\n4|4\n5|104");
	assert_string_equal(scratch_ask(&s, "SELECT count(*), sum(records) FROM loss_part WHERE window > 2"),
			    "17|915");
}

/* When command lines are what is too much, rows are not pushed out before them. */
static void by_size_when_it_is_not_the_rows(void **state)
{
	(void)state;
	fill(NOW - 20 * DAY, 100, 1);
	fill(NOW - 10 * DAY, 60000, 2);
	scratch_run(&s, "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
			" INSERT INTO image(id, identity, program, parent, cmdline, place, last_hour) SELECT "
			"i, i, 1, 0, hex(zeroblob(8000)), 0, 0 FROM n");
	settings.size_limit_mb = 8;
	run_all();
	assert_true(sqlite_size_bytes(&s.db) <= 8 << 20);
	assert_string_equal(scratch_ask(&s, "SELECT count(*) FROM image WHERE id >= 10"), "0");
	assert_string_equal(scratch_ask(&s, "SELECT count(*) > 30000 FROM flow"), "1");
}

static void a_locked_database_is_no_disaster(void **state)
{
	sqlite3 *other = NULL;

	(void)state;
	fill(NOW - 40 * DAY, 10, 1);
	sqlite3_open(s.db.path, &other);
	sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	assert_int_equal(retention_run(&retention, &s.db, &settings, losses, NOW), -EBUSY);
	sqlite3_close(other);
	run_all();
	assert_string_equal(scratch_ask(&s, "SELECT count(*) FROM flow"), "0");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_to_do_writes_nothing),
		TEST(by_age),
		TEST(by_size_with_a_loss),
		TEST(losses_wait_for_the_copy),
		TEST(by_size_when_it_is_not_the_rows),
		TEST(a_locked_database_is_no_disaster),
	};

	return cmocka_run_group_tests_name("store retention", tests, NULL, NULL);
}
