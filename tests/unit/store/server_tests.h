/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * server_tests.h - what holds for a copy on a server of any kind: all rows and each once, whatever dies in
 * between, and whatever is changed there is found. The test of each kind runs them on `s`.
 *
 * Environment: LONG=1 lets the server die a hundred times.
 */
#ifndef FEMTOSNITCH_TESTS_SERVER_TESTS_H
#define FEMTOSNITCH_TESTS_SERVER_TESTS_H

#include "tests/unit/store/server.h"

static struct server s;

static void rows_arrive_as_they_are(void **state)
{
	(void)state;
	server_needed(&s);
	server_copy_new(&s, NULL, "}");
	feed_place(&s.store, 77, 77, "docker", "c0ffee", "docker.service", "/docker/c0ffee");
	feed_program_start(&s.store, 1, 0, "/usr/bin/bash", "bash", 5, 0xab);
	feed_program_start(&s.store, 2, 1, "/usr/bin/c'u\"r\\l,{}\xff",
			   "curl\0$1;\0--\0a \"b\xf0\x9f\x98\x80",
			   sizeof("curl\0$1;\0--\0a \"b\xf0\x9f\x98\x80"), 0xcd);
	server_flow(&s, 1, 1000, 1);
	server_flow(&s, 2, 1001, 2);
	feed_window(&s.store, FEED_T + 10);
	server_arrive(&s, "2");
	server_equal(&s);
	assert_string_equal(server_ask(&s, "SELECT count(*), sum(flows), count(DISTINCT log_id) FROM"
					   " connection_log_window"),
			    "1|2|1");
	/* nothing is sent for windows without foreign traffic, and all of them with the next */
	server_flow(&s, 1, 1002, 3);
	feed_window(&s.store, FEED_T + 20);
	server_arrive(&s, "3");
	server_copy_stop(&s);
	server_copy(&s);
	feed_program_start(&s.store, 3, 0, "/bin/ls", "ls", 3, 3);
	server_flow(&s, 3, 1003, 4);
	feed_window(&s.store, FEED_T + 30);
	server_arrive(&s, "4");
	server_equal(&s);
	server_copy_stop(&s);
	assert_string_equal(feed_ask(&s.store, "SELECT seq FROM sink"), "3");
	feed_rmdir(s.state);
}

static void late_hashes_are_rows_of_their_own(void **state)
{
	struct feed_image i = {.key = FEED_KEY(1, 1),
			       .path = "/bin/big",
			       .comm = "big",
			       .file_id = 7,
			       .hash_error = WIRE_HASH_PENDING};
	struct wire_digest d = {.file_id = 7};

	(void)state;
	server_needed(&s);
	server_copy_new(&s, NULL, "}");
	feed_image(&s.store, &i);
	server_flow(&s, 1, 1000, 1);
	feed_window(&s.store, FEED_T + 10);
	server_arrive(&s, "1");
	assert_string_equal(server_ask(&s, "SELECT hash_error, count(*), count(sha256) FROM connections"
					   " GROUP BY hash_error"),
			    "pending|1|0");
	memset(d.sha256, 9, sizeof(d.sha256));
	feed_put(&s.store, WIRE_DIGEST, &d, sizeof(d), NULL, 0);
	server_flow(&s, 1, 1001, 2);
	feed_window(&s.store, FEED_T + 20);
	server_becomes(&s, "SELECT count(*) FROM connection_log_late", "1");
	server_equal(&s);
	assert_string_equal(
		server_ask(&s, "SELECT count(DISTINCT sha256), count(hash_error) FROM connections"), "1|0");
	server_copy_end(&s);
}

/* Killed before snitch.db knew how far the copy was: everything is sent again, and nothing is there twice. */
static void a_lost_cursor_adds_nothing(void **state)
{
	unsigned i;

	(void)state;
	server_needed(&s);
	server_copy_new(&s, NULL, "}");
	feed_program_start(&s.store, 1, 0, "/bin/a", "a", 2, 1);
	for (i = 1; i <= 3; i++) {
		server_flow(&s, 1, i, i);
		feed_window(&s.store, FEED_T + 10 * i);
	}
	server_arrive(&s, "3");
	server_copy_kill(&s);
	server_edit_here(s.state, "DELETE FROM sink");
	server_copy(&s);
	feed_program_start(&s.store, 1, 0, "/bin/a", "a", 2, 1);
	server_flow(&s, 1, 4, 4);
	feed_window(&s.store, FEED_T + 40);
	server_becomes(&s, "SELECT count(*) FROM connection_log WHERE lport = 4", "1");
	server_arrive(&s, "4");
	server_equal(&s);
	server_copy_end(&s);
}

/* The server dies again and again while rows flow: each is there once. */
static void each_row_once(void **state)
{
	unsigned rounds = getenv("LONG") ? 100 : 3, round, i, n = 0;
	char rows[32];

	(void)state;
	server_needed(&s);
	server_copy_new(&s, NULL, "}");
	feed_program_start(&s.store, 1, 0, "/usr/bin/busy", "busy", 5, 1);
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < 3000; i++, n++)
			server_flow(&s, 1, n % 60000, n);
		feed_window(&s.store, FEED_T + 10 * (round + 1));
		usleep(20000 * ((round + 2) % 7)); /* in the middle of it */
		s.kind->kill(&s);
		if (round % 3 == 0) {
			server_copy_kill(&s);
			server_copy(&s);
			feed_program_start(&s.store, 1, 0, "/usr/bin/busy", "busy", 5, 1);
		}
		s.kind->start(&s);
	}
	server_flow(&s, 1, 1, 1);
	feed_window(&s.store, FEED_T + 10 * (rounds + 1));
	snprintf(rows, sizeof(rows), "%u|%u", n + 1, n + 1);
	server_becomes(&s, "SELECT count(*), count(DISTINCT seq) FROM connection_log", rows);
	snprintf(rows, sizeof(rows), "%u|%llu", n + 1, (unsigned long long)n * (n - 1) / 2 + 1);
	assert_string_equal(server_ask(&s, "SELECT count(*), sum(send) FROM connection_log"), rows);
	server_copy_end(&s);
}

/* No table: it is said how to make it, rows wait and come. */
static void a_missing_table_is_named(void **state)
{
	(void)state;
	server_needed(&s);
	server_copy_new(&s, NULL, ", \"table_name\": \"other\"}");
	feed_program_start(&s.store, 1, 0, "/bin/a", "a", 2, 1);
	server_flow(&s, 1, 1, 1);
	feed_window(&s.store, FEED_T + 10);
	server_says(&s, s.kind->schema);
	server_tables(&s, "--table other");
	server_copy_stop(&s);
	server_copy(&s); /* it would try again within a minute */
	server_becomes(&s, "SELECT count(*) FROM other", "1");
	assert_string_equal(server_ask(&s, "SELECT exe FROM other_connections"), "/bin/a");
	server_copy_end(&s);
}

/* Without "DB sql log" flows stay here until they are there. */
static void without_the_local_log(void **state)
{
	int i;

	(void)state;
	server_needed(&s);
	server_copy_new(&s, NULL, "}, \"DB sql log\": false");
	feed_program_start(&s.store, 1, 0, "/bin/a", "a", 2, 1);
	s.kind->kill(&s);
	server_flow(&s, 1, 1, 1);
	feed_window(&s.store, FEED_T + 10);
	feed_settings(&s.store, s.json); /* retention looks at once */
	feed_window(&s.store, FEED_T + 20);
	assert_string_equal(feed_ask(&s.store, "SELECT count(*) FROM flow"), "1");
	s.kind->start(&s);
	server_flow(&s, 1, 2, 1);
	feed_window(&s.store, FEED_T + 30);
	server_arrive(&s, "2");
	for (i = 0; i < 100 && strcmp(feed_ask(&s.store, "SELECT count(*) FROM flow"), "0") != 0; i++) {
		feed_settings(&s.store, s.json);
		feed_talk(&s.store, &s.sink, 100);
		feed_window(&s.store, FEED_T + 40);
	}
	assert_string_equal(feed_ask(&s.store, "SELECT count(*), (SELECT count(*) FROM sum_day) FROM flow"),
			    "0|0");
	server_flow(&s, 1, 3, 1);
	feed_window(&s.store, FEED_T + 50);
	server_arrive(&s, "3");
	server_copy_end(&s);
}

/* The server is away for longer than snitch.db has room: what had to go is a loss here; the rest comes,
 * and says so there. */
static void what_went_before_it_was_copied_is_a_loss(void **state)
{
	enum {
		WINDOWS = 5,
		FLOWS = 30000,
		LAST = 65000
	};
	int missing;
	char want[32];
	unsigned w, i;

	(void)state;
	server_needed(&s);
	server_copy_new(&s, NULL, "}, \"DB size limit (MB)\": 16");
	feed_program_start(&s.store, 1, 0, "/bin/a", "a", 2, 1);
	server_flow(&s, 1, 1, 1);
	feed_window(&s.store, FEED_T + 10);
	server_arrive(&s, "1");
	s.kind->kill(&s);
	for (w = 0; w < WINDOWS; w++) {
		for (i = 0; i < FLOWS; i++) {
			struct wire_flow flow = feed_tcp(1, (uint16_t)i, 443, 1, 1);

			flow.raddr[1] = (uint8_t)(w + 1); /* each is a row of its own */
			flow.raddr[2] = (uint8_t)(i >> 8);
			flow.raddr[3] = (uint8_t)i;
			feed_flow(&s.store, &flow);
		}
		feed_window(&s.store, FEED_T + 20 + 10 * w);
		feed_settings(&s.store, s.json); /* retention looks at once */
	}
	do { /* until nothing has to go any more */
		snprintf(want, sizeof(want), "%s", feed_ask(&s.store, "SELECT count(*) FROM flow"));
		feed_talk(&s.store, &s.sink, 1500);
	} while (strcmp(feed_ask(&s.store, "SELECT count(*) FROM flow"), want) != 0);
	server_flow(&s, 1, LAST, 1); /* its window tells what went */
	feed_window(&s.store, FEED_T + 200);
	s.kind->start(&s);
	server_becomes(&s, "SELECT count(*) FROM connection_log WHERE lport = 65000", "1");
	missing = WINDOWS * FLOWS + 2 - atoi(server_ask(&s, "SELECT count(*) FROM connection_log"));
	assert_true(missing > 0);
	assert_true(atoi(feed_ask(&s.store, "SELECT sum(records) FROM losses WHERE kind = 'retention'")) >=
		    missing);
	assert_string_not_equal(server_ask(&s, "SELECT count(*) FROM connection_log_loss WHERE detail LIKE "
					       "'removed before they were copied%'"),
				"0");
	server_copy_end(&s);
}

/* A copy of the log that goes on elsewhere does not meet the first one. */
static void a_clone_goes_its_own_way(void **state)
{
	char copy[PATH_MAX];

	(void)state;
	server_needed(&s);
	server_copy_new(&s, NULL, "}");
	feed_program_start(&s.store, 1, 0, "/bin/a", "a", 2, 1);
	server_flow(&s, 1, 1, 1);
	feed_window(&s.store, FEED_T + 10);
	server_arrive(&s, "1");
	server_copy_stop(&s);
	snprintf(copy, sizeof(copy), "%.1000s.clone", s.state);
	assert_int_equal(server_run("cp -r '%s' '%s'", s.state, copy), 0);
	server_copy(&s);
	feed_program_start(&s.store, 1, 0, "/bin/a", "a", 2, 1);
	server_flow(&s, 1, 2, 2);
	feed_window(&s.store, FEED_T + 20);
	server_arrive(&s, "2");
	server_copy_end(&s);
	snprintf(s.state, sizeof(s.state), "%s", copy);
	server_copy(&s);
	feed_program_start(&s.store, 1, 0, "/bin/a", "a", 2, 1);
	server_flow(&s, 1, 3, 3);
	feed_window(&s.store, FEED_T + 20);
	server_arrive(&s, "3");
	assert_string_equal(server_ask(&s, "SELECT count(DISTINCT log_id), max(seq), sum(send) FROM"
					   " connection_log"),
			    "3|2|6");
	server_copy_end(&s);
}

/* ---- verify */

static const struct server_edit edits[] = {
	{"UPDATE connection_log SET send = send + 1 WHERE seq = 2", NULL,
	 "remote: broken: window 2: it was changed"},
	{"UPDATE connection_log SET ts = (SELECT max(ts) FROM connection_log_window) WHERE seq = 3", NULL,
	 "window 3: it was changed"},
	{"DELETE FROM connection_log WHERE seq = 2", NULL,
	 "window 2: it has 0 flows of 1: flows were removed"},
	{"INSERT INTO connection_log SELECT * FROM connection_log WHERE seq = 2", NULL,
	 "window 2: it has 2 flows of 1: flows were inserted"},
	{"UPDATE connection_log_image SET exe = '/bin/true' WHERE exe = '/bin/late'", NULL,
	 "window 3: what is known of a program of it was changed"},
	{"DELETE FROM connection_log_image WHERE exe = '/bin/a'", NULL,
	 "window 1: what is known of a program of it was changed or removed"},
	{"DELETE FROM connection_log_window WHERE seq = 2", NULL,
	 "window 3: windows 2 to 2 before it are missing"},
	{"DELETE FROM connection_log_window WHERE seq = 4; DELETE FROM connection_log WHERE seq = 4; DELETE "
	 "FROM connection_log_late",
	 NULL, "window 4: the local log has it, the copy does not"},
	{"UPDATE connection_log_window SET hash = previous WHERE seq = 2", NULL,
	 "window 2: the local log says something"},
	{"INSERT INTO connection_log_window(host_id, log_id, host, seq, ts, version, first, flows, late, "
	 "previous, hash) SELECT host_id, log_id, host, 5, ts, version, 5, 0, 0, hash, hash"
	 " FROM connection_log_window WHERE seq = 4",
	 NULL, "window 5: the local log does not have it"},
	{"DELETE FROM connection_log_late", NULL, "hashes that came late, which it tells, were removed"},
	{"INSERT INTO connection_log_late(host_id, log_id, seq, was, now) SELECT host_id, log_id, 99, was, "
	 "was FROM connection_log_late",
	 NULL, "1 hashes that came late belong to no window"},
	{"UPDATE connection_log_loss SET records = records + 1", NULL, "window 1: it was changed"},
	{"DELETE FROM connection_log_loss", NULL, "window 1: losses that it tells were removed"},
	{"INSERT INTO connection_log_loss(host_id, log_id, host, seq, n) SELECT host_id, log_id, host, 77, n "
	 "FROM connection_log_loss",
	 NULL, "1 losses belong to no window"},
	/* the end of the local log, with all that hung on it */
	{NULL, "DELETE FROM flow WHERE id = 4; DELETE FROM chain WHERE seq = 4; UPDATE sink SET seq = 3",
	 "window 4: the local log does not have it"},
	{NULL, "UPDATE flow SET send = 7 WHERE id = 2", "local: broken: window 2"},
};

static void each_edit_is_found(void **state)
{
	(void)state;
	server_needed(&s);
	server_edits(&s, edits, sizeof(edits) / sizeof(edits[0]));
}

#define SERVER_TESTS                                                                                         \
	cmocka_unit_test(rows_arrive_as_they_are), cmocka_unit_test(late_hashes_are_rows_of_their_own),      \
		cmocka_unit_test(a_lost_cursor_adds_nothing), cmocka_unit_test(each_row_once),               \
		cmocka_unit_test(a_missing_table_is_named), cmocka_unit_test(without_the_local_log),         \
		cmocka_unit_test(what_went_before_it_was_copied_is_a_loss),                                  \
		cmocka_unit_test(a_clone_goes_its_own_way), cmocka_unit_test(each_edit_is_found)

static int server_tests_end(void **state)
{
	(void)state;
	if (s.there)
		server_end(&s);
	return 0;
}

#endif
