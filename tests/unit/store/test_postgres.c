// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_postgres.c - the copy on a real PostgreSQL server (server_tests.h), with the right to insert and no
 * other, in tables of several versions.
 */
#include "tests/unit/store/server_postgres.h"
#include "tests/unit/store/server_tests.h"

static void the_writer_only_writes(void **state)
{
	static const char *const forbidden[] = {
		"SELECT * FROM connection_log",
		"SELECT * FROM connections",
		"UPDATE connection_log SET send = 0",
		"DELETE FROM connection_log",
		"TRUNCATE connection_log",
		"DELETE FROM connection_log_window",
		"UPDATE connection_log_image SET exe = NULL",
		"UPDATE connection_log_late SET now = was",
		"DROP TABLE connection_log",
		"INSERT INTO connection_log_rest SELECT * FROM connection_log",
	};
	static const char *const read_only[] = {
		"INSERT INTO connection_log_late VALUES (gen_random_uuid(), gen_random_uuid(), 1, '', '')",
		"UPDATE connection_log SET send = 0",
		"DELETE FROM connection_log_window",
	};
	size_t i;

	(void)state;
	server_needed(&s);
	for (i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		if (!strstr(server_ask_as(&s, "snitch", forbidden[i]), "ERROR:"))
			fail_msg("allowed: %s", forbidden[i]);
	for (i = 0; i < sizeof(read_only) / sizeof(read_only[0]); i++)
		if (!strstr(server_ask_as(&s, "auditor", read_only[i]), "permission denied"))
			fail_msg("allowed: %s", read_only[i]);
}

/* Tables of a newer version are left alone; those of an older one are made new by pg-schema, which removes
 * what that version left behind of a window that never came. Rows wait here. */
static void tables_of_other_versions(void **state)
{
	(void)state;
	server_needed(&s);
	server_ask(&s, "COMMENT ON TABLE connection_log IS 'femtosnitch layout 99'");
	server_copy_new(&s, NULL, "}");
	feed_program_start(&s.store, 1, 0, "/bin/a", "a", 2, 1);
	server_flow(&s, 1, 1, 1);
	feed_window(&s.store, FEED_T + 10);
	server_says(&s, "of a newer femtosnitch");
	server_copy_stop(&s);
	server_ask(&s, "COMMENT ON TABLE connection_log IS NULL; DROP INDEX connection_log_seq;"
		       "ALTER TABLE connection_log ADD PRIMARY KEY (host_id, log_id, seq, ts);"
		       "INSERT INTO connection_log(host_id, log_id, host, seq, image, ts)"
		       " VALUES (gen_random_uuid(), gen_random_uuid(), '', 1, '', now())");
	server_copy(&s);
	server_says(&s, "of an older femtosnitch; run `femtosnitch pg-schema`");
	server_copy_stop(&s);
	server_tables(&s, "");
	server_copy(&s);
	server_becomes(&s, "SELECT count(*) FROM connections WHERE exe = '/bin/a'", "1");
	assert_string_equal(server_ask(&s, "SELECT count(*), (SELECT count(*) FROM pg_constraint WHERE"
					   " conrelid = 'connection_log'::regclass AND contype = 'p')"
					   " FROM connection_log"),
			    "1|0");
	server_copy_end(&s);
}

static int begin(void **state)
{
	(void)state;
	if (!server_begin(&s, &server_postgres))
		puts("SKIP unit/store/test_postgres: no PostgreSQL server here, or no user postgres for it");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVER_TESTS,
		cmocka_unit_test(the_writer_only_writes),
		cmocka_unit_test(tables_of_other_versions),
	};

	return cmocka_run_group_tests(tests, begin, server_tests_end);
}
