// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_resume.c - the real femtosnitch-store is followed by another that is sent the journal of the first:
 * what is in snitch.db already does not come in twice, what is not comes in, and nobody says that nobody
 * watched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/store/feed.h"

#define ARGS(text) .argv = text, .argv_len = sizeof(text)
#define JOURNAL 777

static struct feed f;
static char dir[PATH_MAX], db[PATH_MAX + 16];

static int setup(void **state)
{
	(void)state;
	feed_tmpdir(dir);
	snprintf(db, sizeof(db), "%s/snitch.db", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	feed_rmdir(dir);
	return 0;
}

static void resume(uint64_t journal, uint64_t next, uint64_t since_s, uint64_t skipped)
{
	struct wire_resume r = {.journal = journal,
				.next_fact = next,
				.since_ns = since_s * FEED_NS,
				.skipped_bytes = skipped};

	feed_put(&f, WIRE_RESUME, &r, sizeof(r), NULL, 0);
}

/* Described as those are that use the network, which is no fact. */
static void describe(void)
{
	const struct feed_image image = {.key = FEED_KEY(1, 1),
					 .path = "/bin/a",
					 .comm = "a",
					 ARGS("a"),
					 .file_id = 1,
					 .sha = 1,
					 .source = WIRE_EXEC_NETWORK};

	feed_image(&f, &image);
}

/* A run: which facts it begins with, or 0, 0 for one that nothing is kept for. */
static void start(const char *json, uint64_t journal, uint64_t next, uint64_t since_s)
{
	feed_start(&f, dir, json);
	if (journal)
		resume(journal, next, since_s, 0);
	feed_ready(&f);
	describe();
}

static void flow(uint16_t lport, uint64_t sent)
{
	struct wire_flow flow = feed_tcp(1, lport, 443, sent, 0);

	feed_flow(&f, &flow);
}

static int64_t ask(const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *s = NULL;
	int64_t value = -1;

	assert_int_equal(sqlite3_open_v2(db, &s, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(s, sql, -1, &stmt, NULL), SQLITE_OK);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(s);
	return value;
}

#define SENT "SELECT coalesce(sum(send), 0) FROM connections"
#define GAPS "SELECT count(*) FROM losses WHERE kind = 'not watching'"

static void what_is_written_is_not_written_again(void **state)
{
	(void)state;
	start(FEED_DEFAULTS, JOURNAL, 0, 0);
	flow(1, 100);
	flow(2, 20);
	feed_window(&f, FEED_T + 10);
	flow(3, 3);
	feed_kill(&f);
	assert_int_equal(ask(SENT), 120);
	start(FEED_DEFAULTS, JOURNAL, 0, FEED_T + 10);
	flow(1, 100);
	flow(2, 20);
	flow(3, 3);
	feed_window(&f, FEED_T + 20);
	assert_int_equal(ask(SENT), 123);
	assert_int_equal(ask("SELECT count(*) FROM connections"), 3);
	/* from here on the last was durable: its numbers are not sent again */
	assert_int_equal(feed_stop(&f), 0);
	start(FEED_DEFAULTS, JOURNAL, 2, FEED_T + 20);
	flow(3, 3);
	flow(4, 4000);
	feed_window(&f, FEED_T + 30);
	assert_int_equal(ask(SENT), 4123);
	assert_int_equal(feed_stop(&f), 0);
	assert_int_equal(ask(GAPS), 0);
}

/* A window that was cut by the end of the stages before is written as far as it came. */
static void half_a_window_is_continued(void **state)
{
	(void)state;
	start(FEED_DEFAULTS, JOURNAL, 5, 0);
	flow(1, 100);
	assert_int_equal(feed_stop(&f), 0);
	assert_int_equal(ask(SENT), 100);
	start(FEED_DEFAULTS, JOURNAL, 5, FEED_T);
	flow(1, 100);
	flow(1, 11);
	feed_window(&f, FEED_T + 20);
	assert_int_equal(ask(SENT), 111);
	assert_int_equal(feed_stop(&f), 0);
}

static void another_numbering_is_all_news(void **state)
{
	(void)state;
	start(FEED_DEFAULTS, JOURNAL, 0, 0);
	flow(1, 100);
	feed_window(&f, FEED_T + 10);
	assert_int_equal(feed_stop(&f), 0);
	start(FEED_DEFAULTS, JOURNAL + 1, 0, 0);
	flow(1, 100);
	feed_window(&f, FEED_T + 20);
	assert_int_equal(ask(SENT), 200);
	assert_int_equal(feed_stop(&f), 0);
	assert_int_equal(ask(GAPS), 1); /* that run did not take over */
	start(FEED_DEFAULTS, 0, 0, 0);
	flow(1, 100);
	feed_window(&f, FEED_T + 30);
	assert_int_equal(ask(SENT), 300);
	assert_int_equal(feed_stop(&f), 0);
}

static void losses_are_facts_too(void **state)
{
	struct wire_loss loss = {.kind = WIRE_LOSS_RING_FULL,
				 .stage = WIRE_STAGE_COLLECTOR,
				 .records = 5,
				 .from_ns = FEED_T * FEED_NS,
				 .to_ns = FEED_T * FEED_NS};

	(void)state;
	start(FEED_DEFAULTS, JOURNAL, 0, 0);
	feed_put(&f, WIRE_LOSS, &loss, sizeof(loss), NULL, 0);
	flow(1, 1);
	feed_window(&f, FEED_T + 10);
	feed_kill(&f);
	start(FEED_DEFAULTS, JOURNAL, 0, FEED_T + 10);
	feed_put(&f, WIRE_LOSS, &loss, sizeof(loss), NULL, 0);
	flow(1, 1);
	flow(1, 1);
	feed_window(&f, FEED_T + 20);
	assert_int_equal(ask("SELECT sum(records) FROM losses WHERE kind = 'ring full'"), 5);
	assert_int_equal(ask(SENT), 2);
	assert_int_equal(feed_stop(&f), 0);
}

static void executions_are_facts_too(void **state)
{
	const struct feed_image image = {.key = FEED_KEY(9, 0),
					 .path = "/bin/e",
					 .comm = "e",
					 .hash_error = WIRE_HASH_GONE,
					 .source = WIRE_EXEC_EXECVE};
	const char *every = "{\"Every exe (not just conns)\": true}";
	const char *runs = "SELECT count(*) FROM connections WHERE exe = '/bin/e'";

	(void)state;
	start(every, JOURNAL, 0, 0);
	feed_image(&f, &image);
	flow(1, 1);
	feed_window(&f, FEED_T + 10);
	feed_kill(&f);
	assert_int_equal(ask(runs), 1);
	start(every, JOURNAL, 0, FEED_T + 10);
	feed_image(&f, &image);
	flow(1, 1);
	feed_image(&f, &image);
	feed_window(&f, FEED_T + 20);
	assert_int_equal(ask("SELECT sum(events) FROM connections WHERE exe = '/bin/e'"), 2);
	assert_int_equal(ask(SENT), 1);
	assert_int_equal(feed_stop(&f), 0);
}

/* Facts that the journal had no room for: a loss only if snitch.db has not got them. */
static void what_the_journal_missed_is_said(void **state)
{
	(void)state;
	start(FEED_DEFAULTS, JOURNAL, 0, 0);
	flow(1, 100);
	flow(2, 10);
	feed_window(&f, FEED_T + 10);
	feed_kill(&f);
	start(FEED_DEFAULTS, JOURNAL, 0, FEED_T);
	flow(1, 100);
	resume(JOURNAL, 2, FEED_T, 10); /* has both */
	flow(3, 1);
	feed_window(&f, FEED_T + 20);
	assert_int_equal(ask("SELECT count(*) FROM losses WHERE kind = 'pipe'"), 0);
	feed_kill(&f);
	start(FEED_DEFAULTS, JOURNAL, 2, FEED_T + 10);
	flow(3, 1);
	resume(JOURNAL, 8, FEED_T + 10, 4444); /* 3 to 7 are gone */
	flow(4, 1000);
	feed_window(&f, FEED_T + 30);
	assert_int_equal(ask("SELECT records FROM losses WHERE kind = 'pipe' AND bytes = 4444"), 5);
	assert_int_equal(ask(SENT), 1111);
	assert_int_equal(feed_stop(&f), 0);
}

/* Taken over by a log that ends long before: then nobody wrote in between. */
static void an_older_copy_has_a_gap(void **state)
{
	(void)state;
	start(FEED_DEFAULTS, JOURNAL, 0, 0);
	flow(1, 100);
	feed_window(&f, FEED_T + 10);
	feed_kill(&f);
	start(FEED_DEFAULTS, JOURNAL, 50, FEED_T + 1000);
	flow(2, 1);
	feed_window(&f, FEED_T + 1010);
	assert_int_equal(feed_stop(&f), 0);
	assert_int_equal(ask(GAPS), 1);
	assert_int_equal(ask("SELECT time_to - time_from FROM loss WHERE kind = 0"), 990);
}

/* With a text log alone, its lines count. */
static void a_text_log_has_no_line_twice(void **state)
{
	const char *text = "{\"DB sql log\": false, \"DB text log\": true}";
	char command[PATH_MAX + 64];

	(void)state;
	start(text, JOURNAL, 0, 0);
	flow(1, 100);
	feed_window(&f, FEED_T + 10);
	feed_kill(&f);
	start(text, JOURNAL, 0, FEED_T + 10);
	flow(1, 100);
	flow(2, 100);
	feed_window(&f, FEED_T + 20);
	assert_int_equal(feed_stop(&f), 0);
	snprintf(command, sizeof(command), "[ $(wc -l <'%s/conn.log') = 2 ]", dir);
	assert_int_equal(system(command), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_written_is_not_written_again),
		TEST(half_a_window_is_continued),
		TEST(another_numbering_is_all_news),
		TEST(losses_are_facts_too),
		TEST(executions_are_facts_too),
		TEST(what_the_journal_missed_is_said),
		TEST(an_older_copy_has_a_gap),
		TEST(a_text_log_has_no_line_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
