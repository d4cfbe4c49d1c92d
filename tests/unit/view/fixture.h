/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fixture.h - a snitch.db made of store/schema.h and a few statements, for the tests of view. */
#ifndef FEMTOSNITCH_TEST_VIEW_FIXTURE_H
#define FEMTOSNITCH_TEST_VIEW_FIXTURE_H

#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>

#include "store/schema.h"

#define FIXTURE_T0 INT64_C(1795132800) /* 2026-11-20T00:00:00Z */

#define FIXTURE_SUM(table, width)                                                                            \
	"INSERT INTO " table " SELECT contime / " width " * " width ", i.program, raddr, rport, protocol,"   \
	" direction, domain, sum(send), sum(recv), count(*) FROM flow f JOIN image i ON i.id = f.image"      \
	" WHERE lport <> -1 GROUP BY 1, 2, 3, 4, 5, 6, 7;"
#define FIXTURE_TOTAL(table, width)                                                                          \
	"INSERT INTO " table " SELECT contime / " width " * " width                                          \
	", i.program, sum(send), sum(recv), count(*)"                                                        \
	" FROM flow f JOIN image i ON i.id = f.image WHERE lport <> -1 GROUP BY 1, 2;"

/* What the store keeps beside the facts, made from them. */
#define FIXTURE_ROLLUPS                                                                                      \
	FIXTURE_SUM("sum_5min", "300")                                                                       \
	FIXTURE_SUM("sum_hour", "3600")                                                                      \
	FIXTURE_SUM("sum_day", "86400")                                                                      \
	FIXTURE_TOTAL("total_5min", "300")                                                                   \
	FIXTURE_TOTAL("total_hour", "3600")                                                                  \
	FIXTURE_TOTAL("total_day", "86400")                                                                  \
	"INSERT INTO flow_range SELECT contime / 300 * "                                                     \
	"300, min(id), max(id) FROM flow GROUP BY 1;"

#define FIXTURE_FLOW                                                                                         \
	"INSERT INTO flow(contime, lasted, image, send, recv, uid, lport, rport, laddr, raddr, domain, "     \
	"family,"                                                                                            \
	" protocol, netns, events, direction, result, peer, sniffed) "

/* Run statements. 0, or an SQLite error, said on stderr. */
static inline int fixture_run(sqlite3 *db, const char *sql)
{
	char *error = NULL;
	int rc = sqlite3_exec(db, sql, NULL, NULL, &error);

	if (rc)
		fprintf(stderr, "fixture: %s\n", error);
	sqlite3_free(error);
	return rc;
}

/* An empty database of this version, in WAL mode as the store leaves it. NULL: said why. */
static inline sqlite3 *fixture_new(const char *path)
{
	sqlite3 *db = NULL;
	char version[64];

	snprintf(version, sizeof(version), "PRAGMA user_version = %d; PRAGMA application_id = %d;",
		 SCHEMA_VERSION, SCHEMA_APPLICATION_ID);
	if (sqlite3_open(path, &db) || fixture_run(db, "PRAGMA journal_mode = WAL;") ||
	    fixture_run(db, SCHEMA_ALL) || fixture_run(db, version)) {
		sqlite3_close(db);
		return NULL;
	}
	return db;
}

/* Four programs and seven flows; the first begins at t0, the last at t0 + 2 days. */
static inline int fixture_small(sqlite3 *db, int64_t t0)
{
	char sql[8192];

	snprintf(
		sql, sizeof(sql),
		"INSERT INTO program(id, exe, name, sha256, hash_error, first_seen, last_seen, first_network,"
		" seen_as) VALUES"
		" (1, '/usr/bin/curl', 'curl', x'%064d', 0, %lld, %lld, %lld, 1),"
		" (2, '/usr/lib/firefox/firefox', 'firefox', x'%064d', 0, %lld, %lld, %lld, 1),"
		" (3, NULL, 'nfsd', x'', 2, %lld, %lld, %lld, 1),"
		" (4, '/tmp/a' || char(27, 8238) || '\"b\",c', 'a', x'', 3, %lld, %lld, %lld, 1),"
		" (5, '/bin/bash', 'bash', x'', 2, %lld, %lld, NULL, 1);"
		"INSERT INTO image(id, identity, program, parent, cmdline, last_hour) VALUES"
		" (1, 1, 1, 5, 'curl https://example.com', 0), (2, 2, 2, 0, 'firefox', 0), (3, 3, 3, 0, "
		"NULL, 0),"
		" (4, 4, 4, 5, '', 0), (5, 5, 5, 0, 'bash', 0), (6, 6, 1, 5, 'curl other', 0);"
		"INSERT INTO address VALUES (1, '192.0.2.1', 0), (2, '192.0.2.77', 0), (3, '2001:db8::1', 0),"
		" (4, '10.0.0.2', 0), (5, '198.51.100.9', 0);"
		"INSERT INTO domain VALUES (1, 'example.com', 0, 'com.example.'), (2, 'www.example.com', 0, "
		"'com.example.www.'),"
		" (3, 'badexample.com', 0, 'com.badexample.');"
		"INSERT INTO meta VALUES ('started', %lld);"
		"INSERT INTO loss VALUES (1, %lld, %lld, 0, 0, 0, 0, 'stopped');"
		"INSERT INTO proof(start, stage, kernel, item, state, reason) VALUES"
		" (%lld, 1, '6.1', 'TCP sent', 'proven', NULL), (%lld, 1, '6.12', 'TCP sent', 'proven', "
		"NULL),"
		" (%lld, 1, '6.12', 'tp_btf/x', 'refused', 'no such tracepoint');",
		11, (long long)t0, (long long)t0 + 86400, (long long)t0, /* curl */
		22, (long long)t0, (long long)t0 + 172800, (long long)t0 + 7200, (long long)t0,
		(long long)t0 + 3600, (long long)t0 + 3600, (long long)t0, (long long)t0 + 3700,
		(long long)t0 + 3700, (long long)t0, (long long)t0, (long long)t0 - 10, (long long)t0 + 10000,
		(long long)t0 + 20000, (long long)t0 + 10000, (long long)t0 + 20000, (long long)t0 + 20000);
	if (fixture_run(db, sql))
		return -1;
	snprintf(sql, sizeof(sql),
		 FIXTURE_FLOW
		 "VALUES (%lld, 5, 1, 1000, 20000, 0, 40000, 443, 4, 1, 1, 2, 6, 1, 1, 0, 1, 0, 0),"
		 " (%lld, 5, 6, 10, 20, 0, 40001, 443, 4, 2, 2, 2, 6, 1, 1, 0, 1, 0, 0),"
		 " (%lld, 5, 3, 300, 0, 0, 2049, 700, 4, 3, 0, 10, 6, 1, 1, 1, 1, 0, 0),"
		 " (%lld, 5, 4, 0, 0, 0, 40002, 22, 4, 5, 3, 2, 6, 1, 1, 0, 2, 0, 0),"
		 " (%lld, 5, 2, 5000000, 70000000, 0, 40003, 443, 4, 1, 1, 2, 17, 1, 1, 0, 0, 1, 0),"
		 " (%lld, 0, 5, 0, 0, 0, -1, -1, 0, 0, 0, 0, 0, 0, 1, -1, 0, -1, 0),"
		 " (%lld, 5, 1, 7, 8, 0, 40004, 80, 4, 1, 0, 2, 6, 1, 1, 0, 1, 0, 0),"
		 " (%lld, 60, 2, 1, 1, 0, 40005, 443, 4, 3, 2, 10, 6, 1, 1, 0, 1, 0, 0);",
		 (long long)t0, (long long)t0 + 60, (long long)t0 + 3600, (long long)t0 + 3700,
		 (long long)t0 + 7200, (long long)t0 + 7300, (long long)t0 + 86400, (long long)t0 + 172800);
	return fixture_run(db, sql) || fixture_run(db, FIXTURE_ROLLUPS);
}

#endif
