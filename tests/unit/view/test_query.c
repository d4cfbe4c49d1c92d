// SPDX-License-Identifier: GPL-2.0-or-later
/* Every named question against the facts it sums up, over random times; the authorizer; arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <cmocka.h>

#include "tests/unit/view/fixture.h"
#include "view/ask.h"
#include "view/db.h"
#include "view/query.h"

static char path[] = "/tmp/femtosnitch-query-XXXXXX";

/* 4,000 flows of 7 programs over five days, at times that no bucket divides. */
static const char many[] =
	"INSERT INTO program(id, exe, name, sha256, hash_error, first_seen, last_seen, first_network)"
	" WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 7)"
	" SELECT i, '/bin/p' || i, 'p' || i, x'', 2, 1795132800 + i, 1795132800 + 432000, 1795132800 + i * "
	"1000 FROM n;"
	"INSERT INTO image(id, identity, program, parent, last_hour) SELECT id, id, id, 0, 0 FROM program;"
	"INSERT INTO address(id, text, last_hour) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
	"i < 40)"
	" SELECT i, CASE WHEN i % 4 THEN '192.0.2.' ELSE '2001:db8::' END || i, 0 FROM n;"
	"INSERT INTO domain(id, text, last_hour, reversed) VALUES (1, 'example.com', 0, 'com.example.'),"
	" (2, 'a.example.com', 0, 'com.example.a.'), (3, 'notexample.com', 0, 'com.notexample.'),"
	" (4, 'org', 0, 'org.');" FIXTURE_FLOW
	" WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 3999)"
	" SELECT 1795132800 + i * 108 + i % 7, 3, 1 + i * 31 % 7, 1 + i * 977 % 10007, i * 131 % 4099, 0, "
	"40000, 443 + i % 3, 1,"
	" 1 + i * 7 % 40, i % 5, 2, 6 + 11 * (i % 2), 1, 1, i % 2, i % 2, 0, 0 FROM n;" FIXTURE_ROLLUPS;

/* The same sums from the facts. */
static const char facts_top[] = "SELECT p.exe, sum(send), sum(recv), count(*) FROM flow f JOIN image i ON "
				"i.id = f.image JOIN program p"
				" ON p.id = i.program WHERE contime >= ?1 AND contime < ?2 GROUP BY 1 ORDER "
				"BY sum(send) + sum(recv) DESC, 1";
static const char facts_program[] =
	"SELECT a.text, d.text, CASE direction WHEN 0 THEN rport END, CASE protocol WHEN 6 THEN 'tcp' ELSE "
	"'udp' END, CASE direction WHEN 0 "
	"THEN 'out' ELSE 'in' END,"
	" sum(send), sum(recv), count(*), p.exe FROM flow f JOIN image i ON i.id = f.image JOIN program p ON "
	"p.id = i.program"
	" JOIN address a ON a.id = raddr LEFT JOIN domain d ON d.id = domain"
	" WHERE contime >= ?1 AND contime < ?2 AND p.name = 'p3' GROUP BY 1, 2, 3, 4, 5, 9"
	" ORDER BY sum(send) + sum(recv) DESC, 9, 1, 3";
static const char facts_address[] =
	"SELECT p.exe, a.text, CASE direction WHEN 0 THEN rport END, CASE protocol WHEN 6 THEN 'tcp' ELSE "
	"'udp' END, CASE direction WHEN 0 "
	"THEN 'out' ELSE 'in' END,"
	" sum(send), sum(recv), count(*), d.text FROM flow f JOIN image i ON i.id = f.image JOIN program p "
	"ON p.id = i.program"
	" JOIN address a ON a.id = raddr LEFT JOIN domain d ON d.id = domain"
	" WHERE contime >= ?1 AND contime < ?2 AND a.text LIKE '192.0.2.%' GROUP BY 1, 2, 3, 4, 5, 9"
	" ORDER BY sum(send) + sum(recv) DESC, 1, 2, 3";
static const char facts_domain[] = "SELECT p.exe, d.text, CASE direction WHEN 0 THEN rport END, CASE "
				   "protocol WHEN 6 THEN 'tcp' ELSE 'udp' "
				   "END, CASE direction WHEN 0 THEN 'out' ELSE 'in' END,"
				   " sum(send), sum(recv), count(*) FROM flow f JOIN image i ON i.id = "
				   "f.image JOIN program p ON p.id = i.program"
				   " JOIN domain d ON d.id = domain"
				   " WHERE contime >= ?1 AND contime < ?2 AND d.text IN ('example.com', "
				   "'a.example.com') GROUP BY 1, 2, 3, 4, 5"
				   " ORDER BY sum(send) + sum(recv) DESC, 1, 2, 3";

static const struct {
	const char *question, *argument, *facts;
} compared[] = {
	{"top", NULL, facts_top},
	{"program", "p3", facts_program},
	{"program", "/bin/p3", facts_program},
	{"address", "192.0.2.0/24", facts_address},
	{"domain", "example.com", facts_domain},
};

static sqlite3 *database(void)
{
	sqlite3 *db = NULL;

	assert_int_equal(db_open(&db, path), 0);
	return db;
}

/* All of an answer as one text. */
static void dump(sqlite3_stmt *stmt, char *text, size_t size)
{
	size_t len = 0;
	int i, rc;

	text[0] = '\0';
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		for (i = 0; i < sqlite3_column_count(stmt); i++) {
			const char *cell = (const char *)sqlite3_column_text(stmt, i);

			len += (size_t)snprintf(text + len, size - len, "%s|", cell ? cell : "-");
			assert_true(len < size);
		}
	assert_int_equal(rc, SQLITE_DONE);
}

static void compare(sqlite3 *db, size_t i, int64_t from, int64_t to)
{
	static char got[1 << 20], want[1 << 20];
	struct query q = {.question = query_find(compared[i].question),
			  .argument = compared[i].argument,
			  .from = from,
			  .to = to};
	sqlite3_stmt *stmt = NULL, *facts = NULL;

	assert_int_equal(db_prepare(db, q.question->sql, &stmt), 0);
	assert_int_equal(query_bind(&q, stmt), 0);
	dump(stmt, got, sizeof(got));
	assert_int_equal(db_prepare(db, compared[i].facts, &facts), 0);
	sqlite3_bind_int64(facts, 1, from / 300 * 300);
	sqlite3_bind_int64(facts, 2, to == QUERY_FOREVER ? to : (to + 299) / 300 * 300);
	dump(facts, want, sizeof(want));
	if (strcmp(got, want))
		fail_msg("%s from %lld to %lld:\n%.300s\nnot\n%.300s", compared[i].question, (long long)from,
			 (long long)to, got, want);
	sqlite3_finalize(stmt);
	sqlite3_finalize(facts);
}

static void test_sums_are_exact(void **state)
{
	sqlite3 *db = database();
	uint32_t seed = 7;
	int64_t from, to;
	size_t i, round;

	(void)state;
	for (i = 0; i < sizeof(compared) / sizeof(compared[0]); i++) {
		compare(db, i, 0, QUERY_FOREVER);
		compare(db, i, FIXTURE_T0, FIXTURE_T0 + 86400);
		for (round = 0; round < 120; round++) {
			seed = seed * 1664525 + 1013904223;
			from = FIXTURE_T0 - 7000 + (seed >> 8) % 450000;
			seed = seed * 1664525 + 1013904223;
			to = round % 10 == 0 ? QUERY_FOREVER
					     : from + 1 + (seed >> 8) % (round % 3 ? 200000 : 8000);
			compare(db, i, from, to);
		}
	}
	sqlite3_close(db);
}

/* last and new give exactly the rows of the time asked for, not widened. */
static void test_rows_are_exact(void **state)
{
	static char text[1 << 20];
	struct query q = {.question = query_find("last"), .from = FIXTURE_T0 + 108, .to = FIXTURE_T0 + 1000};
	sqlite3 *db = database();
	sqlite3_stmt *stmt = NULL;
	int rows = 0;
	char *at;

	(void)state;
	assert_int_equal(db_prepare(db, q.question->sql, &stmt), 0);
	assert_int_equal(query_bind(&q, stmt), 0);
	dump(stmt, text, sizeof(text));
	sqlite3_finalize(stmt);
	for (at = text; (at = strstr(at, "2026-11-20T")); at++)
		rows++;
	assert_int_equal(rows, 9); /* 109 ... 974; 1081 is behind */
	assert_memory_equal(text, "2026-11-20T00:16:14Z|", 21);
	q.question = query_find("new");
	q.from = FIXTURE_T0 + 2000;
	q.to = FIXTURE_T0 + 5000;
	assert_int_equal(db_prepare(db, q.question->sql, &stmt), 0);
	assert_int_equal(query_bind(&q, stmt), 0);
	dump(stmt, text, sizeof(text));
	sqlite3_finalize(stmt);
	assert_string_equal(
		text,
		"2026-11-20T01:06:40Z|/bin/p4|p4|-|-|no file|2026-11-20T00:50:00Z|/bin/p3|p3|-|-|no file|"
		"2026-11-20T00:33:20Z|/bin/p2|p2|-|-|no file|");
	sqlite3_close(db);
}

/* Prepares and takes the first step, and is quiet: what is refused is said on stderr. */
static int try_quietly(sqlite3 *db, const char *sql)
{
	int keep = dup(2), null = open("/dev/null", O_WRONLY | O_CLOEXEC), rc;
	sqlite3_stmt *stmt = NULL;

	dup2(null, 2);
	rc = db_prepare(db, sql, &stmt);
	if (!rc && sqlite3_step(stmt) == SQLITE_ERROR)
		rc = -EIO;
	sqlite3_finalize(stmt);
	dup2(keep, 2);
	close(keep);
	close(null);
	return rc;
}

static void test_only_reads(void **state)
{
	static const char *const refused[] = {
		"DELETE FROM flow",
		"INSERT INTO meta VALUES ('a', 1)",
		"UPDATE flow SET send = 0",
		"DROP VIEW connections",
		"CREATE TABLE x(a)",
		"CREATE TEMP TABLE x(a)",
		"ATTACH '/etc/passwd' AS a",
		"ATTACH ':memory:' AS a",
		"DETACH main",
		"PRAGMA user_version = 7",
		"PRAGMA journal_mode = DELETE",
		"PRAGMA wal_checkpoint",
		"PRAGMA writable_schema = 1",
		"PRAGMA temp_store_directory = '/tmp'",
		"PRAGMA query_only = 0",
		"SELECT load_extension('/tmp/x.so')",
		"VACUUM",
		"VACUUM INTO '/tmp/x'",
		"BEGIN IMMEDIATE",
		"BEGIN",
		"REINDEX",
		"ANALYZE",
		"SELECT 1; SELECT 2",
		"SELECT 1; DROP VIEW connections",
		"WITH a AS (SELECT 1) DELETE FROM flow",
		"",
		"-- nothing",
		";",
		"SELECT * FROM pragma_journal_mode('delete')",
		"PRAGMA mmap_size(1)",
	};
	static const char *const taken[] = {
		"SELECT * FROM connections",
		" select 1 ; ",
		"WITH a AS (SELECT 1) SELECT * FROM a",
		"PRAGMA table_info(connections)",
		"SELECT name FROM pragma_table_info('connections')",
		"PRAGMA user_version",
		"EXPLAIN QUERY PLAN SELECT * FROM flow",
		"SELECT name FROM sqlite_master",
		"VALUES (1)",
		"SELECT count(*) FROM losses -- all",
		"SELECT in_network('192.0.2.1', '192.0.2.0/24')",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n",
		"SELECT count(*) OVER () FROM programs",
	};
	sqlite3 *db = database();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (try_quietly(db, refused[i]) == 0)
			fail_msg("taken: %s", refused[i]);
	for (i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (try_quietly(db, taken[i]) != 0)
			fail_msg("refused: %s", taken[i]);
	sqlite3_close(db);
}

static void test_in_network(void **state)
{
	static const struct {
		const char *sql;
		int want; /* -1 = NULL */
	} table[] = {
		{"in_network('192.0.2.1', '192.0.2.0/24')", 1},
		{"in_network('192.0.3.1', '192.0.2.0/24')", 0},
		{"in_network('192.0.2.129', '192.0.2.128/25')", 1},
		{"in_network('192.0.2.127', '192.0.2.128/25')", 0},
		{"in_network('192.0.2.1', '192.0.2.1')", 1},
		{"in_network('10.1.2.3', '0.0.0.0/0')", 1},
		{"in_network('::1', '0.0.0.0/0')", 0},
		{"in_network('2001:db8:5::1', '2001:db8::/32')", 1},
		{"in_network('2001:db9::1', '2001:db8::/32')", 0},
		{"in_network('192.0.2.1', '::ffff:192.0.2.0/120')", 1},
		{"in_network('', '0.0.0.0/0')", -1},
		{"in_network(NULL, '0.0.0.0/0')", -1},
		{"in_network('192.0.2.1', NULL)", -1},
		{"in_network('192.0.2.1', '192.0.2.0/33')", -1},
		{"in_network('192.0.2.1', '192.0.2.0/')", -1},
		{"in_network('192.0.2.1', '192.0.2/24')", -1},
		{"in_network('192.0.2.0/24', '192.0.2.0/24')", -1},
	};
	sqlite3 *db = database();
	sqlite3_stmt *stmt = NULL;
	char sql[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(sql, sizeof(sql), "SELECT coalesce(%s, -1)", table[i].sql);
		assert_int_equal(db_prepare(db, sql, &stmt), 0);
		assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
		if (sqlite3_column_int(stmt, 0) != table[i].want)
			fail_msg("%s", table[i].sql);
		sqlite3_finalize(stmt);
	}
	sqlite3_close(db);
}

static void test_knows_sql(void **state)
{
	(void)state;
	assert_true(query_is_sql("SELECT 1"));
	assert_true(query_is_sql("\n select*from flow"));
	assert_true(query_is_sql("With a AS (SELECT 1) SELECT 1"));
	assert_true(query_is_sql("PRAGMA table_info(x)"));
	assert_true(query_is_sql("-- why\nSELECT 1"));
	assert_false(query_is_sql("top"));
	assert_false(query_is_sql("selected"));
	assert_false(query_is_sql(""));
}

/* A name is no pattern, and its case counts. */
static void test_name_is_no_pattern(void **state)
{
	static char text[4096];
	static const char *const names[] = {"p_", "%", "P3", "3", "in/p3", "p3/"};
	struct query q = {.question = query_find("program"), .to = QUERY_FOREVER};
	sqlite3 *db = database();
	sqlite3_stmt *stmt = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		q.argument = names[i];
		assert_int_equal(db_prepare(db, q.question->sql, &stmt), 0);
		assert_int_equal(query_bind(&q, stmt), 0);
		dump(stmt, text, sizeof(text));
		sqlite3_finalize(stmt);
		assert_string_equal(text, "");
	}
	sqlite3_close(db);
}

static int make(void **state)
{
	int fd = mkstemp(path);
	sqlite3 *db;

	(void)state;
	if (fd < 0)
		return -1;
	close(fd);
	db = fixture_new(path);
	return !db || fixture_run(db, many) || sqlite3_close(db);
}

static int drop(void **state)
{
	char name[64];

	(void)state;
	unlink(path);
	snprintf(name, sizeof(name), "%s-wal", path);
	unlink(name);
	snprintf(name, sizeof(name), "%s-shm", path);
	unlink(name);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums_are_exact), cmocka_unit_test(test_rows_are_exact),
		cmocka_unit_test(test_only_reads),     cmocka_unit_test(test_in_network),
		cmocka_unit_test(test_knows_sql),      cmocka_unit_test(test_name_is_no_pattern),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
