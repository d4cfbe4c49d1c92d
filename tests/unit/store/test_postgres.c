// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_postgres.c - the copy on a real PostgreSQL server: all rows and each once, whatever dies in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/columns.h"
#include "tests/unit/store/server.h"

static struct feed f, sink;
static struct server server;
static char dir[PATH_MAX], json[PATH_MAX + 256];
static bool there;

#define ALL                                                                                                  \
	"connection_log, connection_log_image, connection_log_late, connection_log_loss, "                   \
	"connection_log_window"
#define NAMES(since, name, type, sql) ", \"" #name "\""

static void start(void)
{
	feed_start(&f, dir, json);
	feed_ready(&f);
	feed_sink(&sink, &f, "femtosnitch-postgres", json);
}

static void begin_with(const char *more)
{
	server_ask(&server, "TRUNCATE " ALL);
	feed_tmpdir(dir);
	snprintf(json, sizeof(json),
		 "{\"DB sql server\": {\"client\": \"psycopg\", \"host\": \"%s\", \"user\": \"snitch\","
		 " \"database\": \"postgres\"%s}",
		 server.dir, more);
	start();
}

/* In order: the sink has said how far it is, and ends first. */
static void stop(void)
{
	feed_talk(&f, &sink, 300);
	assert_int_equal(feed_stop(&sink), 0);
	f.other = NULL;
	assert_int_equal(feed_stop(&f), 0);
}

static void killed(void)
{
	feed_kill(&sink);
	f.other = NULL;
	feed_kill(&f);
}

static void flow(unsigned pid, unsigned lport, uint64_t sent)
{
	struct wire_flow flow = feed_tcp(pid, (uint16_t)lport, 443, sent, 2 * sent);

	feed_flow(&f, &flow);
}

static void lose(void)
{
	struct wire_loss loss = {.from_ns = FEED_T * FEED_NS,
				 .to_ns = FEED_T * FEED_NS,
				 .records = 5,
				 .kind = WIRE_LOSS_RING_FULL,
				 .stage = WIRE_STAGE_COLLECTOR,
				 .detail_len = 4};

	feed_put(&f, WIRE_LOSS, &loss, sizeof(loss), "it's", 4);
}

/* Until the server says so, for as long as a slow machine may need. */
static void becomes(const char *sql, const char *want)
{
	const char *got = "";
	int i;

	for (i = 0; i < 600; i++) {
		feed_talk(&f, &sink, 100);
		got = server_ask(&server, sql);
		if (strcmp(got, want) == 0)
			return;
	}
	fail_msg("%s\ngot: %s\nwant: %s\nlast message: %s", sql, got, want, sink.text);
}

/* Every column of every row, here and there. */
static void equal(void)
{
	static const char columns[] = "SELECT contime" COLUMNS_FLOW(NAMES)
		COLUMNS_IMAGE(NAMES) ", time, protocol_name FROM connections";
	char sql[4096], *here;

	snprintf(sql, sizeof(sql), "%s ORDER BY contime, lport, send", columns);
	here = strdup(feed_ask(&f, sql));
	snprintf(sql, sizeof(sql), "\\pset null NULL\n%s ORDER BY contime, lport, send;", columns);
	assert_string_equal(server_ask_as(&server, "auditor", sql), here);
	free(here);
}

static void arrive(const char *rows)
{
	becomes("SELECT count(*) FROM connection_log", rows);
}

static int needs_server(void **state)
{
	(void)state;
	if (!there)
		skip();
	return 0;
}

static void rows_arrive_as_they_are(void **state)
{
	needs_server(state);
	begin_with("}");
	feed_place(&f, 77, 77, "docker", "c0ffee", "docker.service", "/docker/c0ffee");
	feed_program_start(&f, 1, 0, "/usr/bin/bash", "bash", 5, 0xab);
	feed_program_start(&f, 2, 1, "/usr/bin/c'u\"r\\l,{}\xff", "curl\0$1;\0--\0a \"b",
			   sizeof("curl\0$1;\0--\0a \"b"), 0xcd);
	flow(1, 1000, 1);
	flow(2, 1001, 2);
	feed_window(&f, FEED_T + 10);
	arrive("2");
	equal();
	assert_string_equal(server_ask(&server, "SELECT count(*), sum(flows), count(DISTINCT log_id) FROM"
						" connection_log_window"),
			    "1|2|1");
	/* nothing is sent for windows without foreign traffic, and all of them with the next */
	flow(1, 1002, 3);
	feed_window(&f, FEED_T + 20);
	arrive("3");
	stop();
	start();
	feed_program_start(&f, 3, 0, "/bin/ls", "ls", 3, 3);
	flow(3, 1003, 4);
	feed_window(&f, FEED_T + 30);
	arrive("4");
	equal();
	stop();
	assert_string_equal(feed_ask(&f, "SELECT seq FROM sink"), "3");
	feed_rmdir(dir);
}

static void late_hashes_are_rows_of_their_own(void **state)
{
	struct feed_image i = {.key = FEED_KEY(1, 1),
			       .path = "/bin/big",
			       .comm = "big",
			       .file_id = 7,
			       .hash_error = WIRE_HASH_PENDING};
	struct wire_digest d = {.file_id = 7};

	needs_server(state);
	begin_with("}");
	feed_image(&f, &i);
	flow(1, 1000, 1);
	feed_window(&f, FEED_T + 10);
	arrive("1");
	assert_string_equal(server_ask(&server, "SELECT hash_error, sha256 IS NULL FROM connections"),
			    "pending|t");
	memset(d.sha256, 9, sizeof(d.sha256));
	feed_put(&f, WIRE_DIGEST, &d, sizeof(d), NULL, 0);
	flow(1, 1001, 2);
	feed_window(&f, FEED_T + 20);
	becomes("SELECT count(*) FROM connection_log_late", "1");
	equal();
	assert_string_equal(
		server_ask(&server, "SELECT count(DISTINCT sha256), count(hash_error) FROM connections"),
		"1|0");
	stop();
	feed_rmdir(dir);
}

/* SQL on a snitch.db. */
static void edit_here(const char *where, const char *sql)
{
	char path[2 * PATH_MAX];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/snitch.db", where);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* Killed before snitch.db knew how far the copy was: everything is sent again, and nothing is there twice. */
static void a_lost_cursor_adds_nothing(void **state)
{
	unsigned i;

	needs_server(state);
	begin_with("}");
	feed_program_start(&f, 1, 0, "/bin/a", "a", 2, 1);
	for (i = 1; i <= 3; i++) {
		flow(1, i, i);
		feed_window(&f, FEED_T + 10 * i);
	}
	arrive("3");
	killed();
	edit_here(dir, "DELETE FROM sink");
	start();
	feed_program_start(&f, 1, 0, "/bin/a", "a", 2, 1);
	flow(1, 4, 4);
	feed_window(&f, FEED_T + 40);
	becomes("SELECT count(*) FROM connection_log WHERE lport = 4", "1");
	arrive("4");
	equal();
	stop();
	feed_rmdir(dir);
}

/* The server dies again and again while rows flow: each is there once. */
static void each_row_once(void **state)
{
	unsigned rounds = getenv("KILLS") ? (unsigned)atoi(getenv("KILLS")) : 3, round, i, n = 0;
	char rows[32];

	needs_server(state);
	begin_with("}");
	feed_program_start(&f, 1, 0, "/usr/bin/busy", "busy", 5, 1);
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < 3000; i++, n++)
			flow(1, n % 60000, n);
		feed_window(&f, FEED_T + 10 * (round + 1));
		usleep(20000 * ((round + 2) % 7)); /* in the middle of it */
		server_stop(&server, "immediate");
		if (round % 3 == 0) {
			killed();
			start();
			feed_program_start(&f, 1, 0, "/usr/bin/busy", "busy", 5, 1);
		}
		server_start(&server);
	}
	flow(1, 1, 1);
	feed_window(&f, FEED_T + 10 * (rounds + 1));
	snprintf(rows, sizeof(rows), "%u|%u", n + 1, n + 1);
	becomes("SELECT count(*), count(DISTINCT seq) FROM connection_log", rows);
	snprintf(rows, sizeof(rows), "%u|%llu", n + 1, (unsigned long long)n * (n - 1) / 2 + 1);
	assert_string_equal(server_ask(&server, "SELECT count(*), sum(send) FROM connection_log"), rows);
	stop();
	feed_rmdir(dir);
}

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

	needs_server(state);
	for (i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		if (!strstr(server_ask_as(&server, "snitch", forbidden[i]), "ERROR:"))
			fail_msg("allowed: %s", forbidden[i]);
	for (i = 0; i < sizeof(read_only) / sizeof(read_only[0]); i++)
		if (!strstr(server_ask_as(&server, "auditor", read_only[i]), "permission denied"))
			fail_msg("allowed: %s", read_only[i]);
}

/* Until the sink has said that. */
static void says(const char *what)
{
	int i;

	for (i = 0; i < 300 && !strstr(sink.text, what); i++)
		feed_talk(&f, &sink, 100);
	if (!strstr(sink.text, what))
		fail_msg("wanted: %s, said: %s", what, sink.text);
}

/* No table: it is said how to make it, rows wait and come. */
static void a_missing_table_is_named(void **state)
{
	needs_server(state);
	begin_with(", \"table_name\": \"other\"}");
	feed_program_start(&f, 1, 0, "/bin/a", "a", 2, 1);
	flow(1, 1, 1);
	feed_window(&f, FEED_T + 10);
	says("femtosnitch pg-schema");
	server_tables(&server, "--table other");
	stop();
	start(); /* it would try again within a minute */
	becomes("SELECT count(*) FROM other", "1");
	assert_string_equal(server_ask(&server, "SELECT exe FROM other_connections"), "/bin/a");
	stop();
	feed_rmdir(dir);
}

/* Tables of a newer version are left alone; those of an older one are made new by pg-schema, which removes
 * what that version left behind of a window that never came. Rows wait here. */
static void tables_of_other_versions(void **state)
{
	needs_server(state);
	server_ask(&server, "COMMENT ON TABLE connection_log IS 'femtosnitch layout 99'");
	begin_with("}");
	feed_program_start(&f, 1, 0, "/bin/a", "a", 2, 1);
	flow(1, 1, 1);
	feed_window(&f, FEED_T + 10);
	says("of a newer femtosnitch");
	stop();
	server_ask(&server, "COMMENT ON TABLE connection_log IS NULL; DROP INDEX connection_log_seq;"
			    "ALTER TABLE connection_log ADD PRIMARY KEY (host_id, log_id, seq, ts);"
			    "INSERT INTO connection_log(host_id, log_id, host, seq, image, ts)"
			    " VALUES (gen_random_uuid(), gen_random_uuid(), '', 1, '', now())");
	start();
	says("of an older femtosnitch; run `femtosnitch pg-schema`");
	stop();
	server_tables(&server, "");
	start();
	becomes("SELECT count(*) FROM connections WHERE exe = '/bin/a'", "1");
	assert_string_equal(server_ask(&server, "SELECT count(*), (SELECT count(*) FROM pg_constraint WHERE"
						" conrelid = 'connection_log'::regclass AND contype = 'p')"
						" FROM connection_log"),
			    "1|0");
	stop();
	feed_rmdir(dir);
}

/* Without "DB sql log" flows stay here until they are there. */
static void without_the_local_log(void **state)
{
	int i;

	needs_server(state);
	begin_with("}, \"DB sql log\": false");
	feed_program_start(&f, 1, 0, "/bin/a", "a", 2, 1);
	server_stop(&server, "fast");
	flow(1, 1, 1);
	feed_window(&f, FEED_T + 10);
	feed_settings(&f, json); /* retention looks at once */
	feed_window(&f, FEED_T + 20);
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM flow"), "1");
	server_start(&server);
	flow(1, 2, 1);
	feed_window(&f, FEED_T + 30);
	arrive("2");
	for (i = 0; i < 100 && strcmp(feed_ask(&f, "SELECT count(*) FROM flow"), "0") != 0; i++) {
		feed_settings(&f, json);
		feed_talk(&f, &sink, 100);
		feed_window(&f, FEED_T + 40);
	}
	assert_string_equal(feed_ask(&f, "SELECT count(*), (SELECT count(*) FROM sum_day) FROM flow"), "0|0");
	flow(1, 3, 1);
	feed_window(&f, FEED_T + 50);
	arrive("3");
	stop();
	feed_rmdir(dir);
}

/* A copy of the log that goes on elsewhere does not meet the first one. */
static void a_clone_goes_its_own_way(void **state)
{
	char copy[PATH_MAX], command[4 * PATH_MAX];

	needs_server(state);
	begin_with("}");
	feed_program_start(&f, 1, 0, "/bin/a", "a", 2, 1);
	flow(1, 1, 1);
	feed_window(&f, FEED_T + 10);
	arrive("1");
	stop();
	snprintf(copy, sizeof(copy), "%.1000s.clone", dir);
	snprintf(command, sizeof(command), "cp -r '%s' '%s'", dir, copy);
	assert_int_equal(system(command), 0);
	start();
	feed_program_start(&f, 1, 0, "/bin/a", "a", 2, 1);
	flow(1, 2, 2);
	feed_window(&f, FEED_T + 20);
	arrive("2");
	stop();
	feed_rmdir(dir);
	snprintf(dir, sizeof(dir), "%s", copy);
	start();
	feed_program_start(&f, 1, 0, "/bin/a", "a", 2, 1);
	flow(1, 3, 3);
	feed_window(&f, FEED_T + 20);
	arrive("3");
	assert_string_equal(server_ask(&server, "SELECT count(DISTINCT log_id), max(seq), sum(send) FROM"
						" connection_log"),
			    "3|2|6");
	stop();
	feed_rmdir(dir);
}

/* ---- verify */

static char said[4096];

/* The exit code of `verify`, against the copy too. */
static int verify(const char *where)
{
	char path[PATH_MAX], command[3 * PATH_MAX];
	FILE *out;
	size_t n;

	feed_program(path, "femtosnitch-verify");
	snprintf(command, sizeof(command),
		 "%s --state-dir '%s' --remote 'host=%s user=auditor dbname=postgres' 2>&1", path, where,
		 server.dir);
	out = popen(command, "r");
	n = fread(said, 1, sizeof(said) - 1, out);
	said[n] = '\0';
	return WEXITSTATUS(pclose(out));
}

/* What an edit makes it say: on the server, or of snitch.db. */
static const struct {
	const char *there, *here, *says;
} edits[] = {
	{"UPDATE connection_log SET send = send + 1 WHERE seq = 2", NULL,
	 "remote: broken: window 2: it was changed"},
	{"UPDATE connection_log SET ts = ts - interval '1 min' WHERE seq = 3", NULL,
	 "window 3: it was changed"},
	{"DELETE FROM connection_log WHERE seq = 2", NULL,
	 "window 2: it has 0 flows of 1: flows were removed"},
	{"INSERT INTO connection_log SELECT (r).* FROM (SELECT jsonb_populate_record(f, '{\"ts\": "
	 "\"2020-01-01\"}') AS r"
	 " FROM connection_log f WHERE seq = 2) x",
	 NULL, "window 2: it has 2 flows of 1: flows were inserted"},
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
	{"INSERT INTO connection_log_window SELECT host_id, log_id, host, 5, ts, version, 5, 0, 0, hash, hash"
	 " FROM connection_log_window WHERE seq = 4",
	 NULL, "window 5: the local log does not have it"},
	{"DELETE FROM connection_log_late", NULL, "hashes that came late, which it tells, were removed"},
	{"INSERT INTO connection_log_late SELECT host_id, log_id, 99, was, was FROM connection_log_late",
	 NULL, "1 hashes that came late belong to no window"},
	{"UPDATE connection_log_loss SET records = records + 1", NULL, "window 1: it was changed"},
	{"DELETE FROM connection_log_loss", NULL, "window 1: losses that it tells were removed"},
	{"INSERT INTO connection_log_loss SELECT host_id, log_id, host, 77, n FROM connection_log_loss", NULL,
	 "1 losses belong to no window"},
	/* the end of the local log, with all that hung on it */
	{NULL, "DELETE FROM flow WHERE id = 4; DELETE FROM chain WHERE seq = 4; UPDATE sink SET seq = 3",
	 "window 4: the local log does not have it"},
	{NULL, "UPDATE flow SET send = 7 WHERE id = 2", "local: broken: window 2"},
};

static void copy_file(const char *from, const char *to)
{
	char command[4 * PATH_MAX];

	snprintf(command, sizeof(command), "rm -rf '%s' && cp -r '%s' '%s'", to, from, to);
	assert_int_equal(system(command), 0);
}

#define TABLES(X) X("") X("_image") X("_late") X("_loss") X("_window")
#define KEEP(t) "CREATE TABLE kept" t " AS SELECT * FROM connection_log" t ";"
#define BACK(t) "INSERT INTO connection_log" t " SELECT * FROM kept" t ";"
#define DROP(t) "DROP TABLE kept" t ";"

static void each_edit_is_found(void **state)
{
	struct feed_image late = {.key = FEED_KEY(3, 1),
				  .path = "/bin/late",
				  .comm = "late",
				  .file_id = 7,
				  .hash_error = WIRE_HASH_PENDING};
	struct wire_digest d = {.file_id = 7};
	char copy[PATH_MAX];
	unsigned i;

	needs_server(state);
	begin_with("}");
	lose();
	feed_program_start(&f, 1, 0, "/bin/a", "a", 2, 1);
	for (i = 1; i <= 4; i++) {
		if (i == 3)
			feed_image(&f, &late);
		if (i == 4)
			feed_put(&f, WIRE_DIGEST, &d, sizeof(d), NULL, 0);
		flow(i == 3 ? 3 : 1, i, i);
		feed_window(&f, FEED_T + 10 * i);
	}
	becomes("SELECT count(*) FROM connection_log_window", "4");
	stop();
	if (verify(dir) != 0 || !strstr(said, "remote: whole: 4 windows, 4 flows"))
		fail_msg("%s", said);
	assert_string_equal(
		server_ask_as(&server, "auditor", "SELECT kind, stage, records, detail FROM losses"),
		"ring full|collector|5|it's");
	server_ask(&server, TABLES(KEEP));
	snprintf(copy, sizeof(copy), "%.1000s.copy", dir);
	for (i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		const char *why = edits[i].there ? server_ask(&server, edits[i].there) : "";

		if (*why)
			fail_msg("%s: %s", edits[i].there, why);
		copy_file(dir, copy);
		if (edits[i].here)
			edit_here(copy, edits[i].here);
		if (verify(copy) != 1 || !strstr(said, edits[i].says))
			fail_msg("%s\nsays: %s\nwant: %s", edits[i].there ? edits[i].there : edits[i].here,
				 said, edits[i].says);
		server_ask(&server, "TRUNCATE " ALL ";" TABLES(BACK));
	}
	assert_int_equal(verify(dir), 0);
	server_ask(&server, TABLES(DROP));
	feed_rmdir(copy);
	feed_rmdir(dir);
}

static int begin_server(void **state)
{
	(void)state;
	there = server_find(&server);
	if (there)
		server_begin(&server);
	else
		puts("SKIP unit/store/test_postgres: no PostgreSQL server here, or no user postgres for it");
	return 0;
}

static int end_server(void **state)
{
	(void)state;
	if (there)
		server_end(&server);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_arrive_as_they_are),
		cmocka_unit_test(late_hashes_are_rows_of_their_own),
		cmocka_unit_test(a_lost_cursor_adds_nothing),
		cmocka_unit_test(each_row_once),
		cmocka_unit_test(the_writer_only_writes),
		cmocka_unit_test(a_missing_table_is_named),
		cmocka_unit_test(tables_of_other_versions),
		cmocka_unit_test(without_the_local_log),
		cmocka_unit_test(a_clone_goes_its_own_way),
		cmocka_unit_test(each_edit_is_found),
	};

	return cmocka_run_group_tests(tests, begin_server, end_server);
}
