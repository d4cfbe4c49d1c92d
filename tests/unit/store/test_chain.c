// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_chain.c - what the store writes is a whole chain; every edit of it is found and named by `verify`, and
 * nothing else is: hashes that come late, restarts, retention.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/columns.h"
#include "tests/unit/store/feed.h"

static struct feed f;
static char dir[PATH_MAX];

/* The exit code of `verify`; what it said is in said. */
static char said[4096];

static int verify(const char *where)
{
	char program[PATH_MAX], command[3 * PATH_MAX];
	FILE *out;
	size_t n;

	feed_program(program, "femtosnitch-store");
	strcpy(strrchr(program, '/'), "/femtosnitch-verify");
	snprintf(command, sizeof(command), "%s --state-dir '%s' 2>&1", program, where);
	out = popen(command, "r");
	assert_non_null(out);
	n = fread(said, 1, sizeof(said) - 1, out);
	said[n] = '\0';
	return WEXITSTATUS(pclose(out));
}

static void whole(void)
{
	if (verify(dir) != 0)
		fail_msg("%s", said);
	assert_non_null(strstr(said, "local: whole"));
}

static void flow(unsigned pid, uint16_t lport, uint64_t sent)
{
	struct wire_flow flow = feed_tcp(pid, lport, 443, sent, 2 * sent);

	flow.creator_cgroup = pid == 1 ? 77 : 0;
	feed_claim(&f, &flow, WIRE_NAME_SNI, "www.example.org");
	feed_flow(&f, &flow);
}

static void pending(unsigned pid, unsigned parent, const char *path, uint64_t file_id)
{
	struct feed_image i = {.key = FEED_KEY(pid, 1),
			       .path = path,
			       .comm = "x",
			       .file_id = file_id,
			       .hash_error = WIRE_HASH_PENDING};

	if (parent)
		i.parent = FEED_KEY(parent, 1);
	feed_image(&f, &i);
}

static void digest(uint64_t file_id, uint8_t sha)
{
	struct wire_digest d = {.file_id = file_id};

	memset(d.sha256, sha, sizeof(d.sha256));
	feed_put(&f, WIRE_DIGEST, &d, sizeof(d), NULL, 0);
}

static void start(void)
{
	feed_start(&f, dir, FEED_DEFAULTS);
	feed_ready(&f);
}

static void begin(void)
{
	feed_tmpdir(dir);
	start();
}

static void stop(void)
{
	assert_int_equal(feed_stop(&f), 0);
}

/* Four windows of two runs: of two programs, of one whose hash came late, and of its child. */
static void a_log(void)
{
	begin();
	feed_place(&f, 77, 77, "docker", "c0ffee", "docker.service", "/docker/c0ffee");
	feed_name(&f,
		  (struct wire_name){.source = WIRE_NAME_DNS,
				     .family = AF_INET,
				     .addr = {10, 0, 0, 2},
				     .ttl_s = 60,
				     .netns = 4026531840u},
		  2, -1, "cdn.example.net");
	feed_program_start(&f, 1, 0, "/usr/bin/bash", "bash", 5, 0xab);
	feed_program_start(&f, 2, 1, "/usr/bin/c'u\"rl\n\xff", "curl\0-s", 8, 0xcd);
	flow(1, 1000, 1);
	flow(2, 1001, 2);
	feed_window(&f, FEED_T + 10);
	pending(3, 2, "/bin/big", 7);
	pending(4, 3, "/bin/child", 8);
	flow(3, 1002, 3);
	flow(4, 1003, 4);
	feed_window(&f, FEED_T + 20);
	digest(7, 9);
	flow(4, 1004, 5);
	feed_window(&f, FEED_T + 30);
	stop();
	start(); /* the other hash never came */
	feed_program_start(&f, 5, 0, "/usr/bin/last", "last", 5, 1);
	flow(5, 1005, 6);
	feed_window(&f, FEED_T + 40);
}

static void whole_while_and_after(void **state)
{
	(void)state;
	begin();
	whole();
	stop();
	feed_rmdir(dir);
	a_log();
	whole();
	stop();
	whole();
	assert_non_null(strstr(said, "4 windows, 6 flows"));
	assert_non_null(strstr(said, "remote: not checked"));
	assert_string_equal(feed_ask(&f, "SELECT count(*), count(window), sum(pending), sum(was = now) FROM"
					 " late"),
			    "3|3|5|0");
	assert_string_equal(feed_ask(&f, "SELECT creator FROM connections WHERE creator IS NOT NULL"),
			    "c0ffee");
	assert_string_equal(feed_ask(&f, "SELECT count(DISTINCT log), count(DISTINCT host) FROM run"), "2|1");
	feed_rmdir(dir);
}

/* What an edit of the closed database makes `verify` say. */
static const struct {
	const char *sql, *says;
} edits[] = {
	{"UPDATE flow SET send = send + 1 WHERE id = 3", "window 2 of * it was changed"},
	{"UPDATE flow SET contime = contime - 60 WHERE id = 6", "window 4 of * it was changed"},
	{"UPDATE flow SET image = (SELECT image FROM flow WHERE id = 1) WHERE id = 2",
	 "window 1 of * changed"},
	{"DELETE FROM flow WHERE id = 4", "window 2 of * 1 of its 2 flows were removed"},
	{"DELETE FROM flow WHERE id >= 3", "window 2 of * 2 of its 2 flows were removed"},
	{"INSERT INTO flow SELECT 7, contime, lasted, image, send, recv, uid, lport, rport, laddr, raddr, "
	 "domain,"
	 " family, protocol, netns, events, direction, result, peer, sniffed, creator, creator_uid, "
	 "tunnel_send,"
	 " tunnel_recv, name_source, domain_resolved, origin FROM flow WHERE id = 6",
	 "1 flows behind the last window belong to none"},
	{"UPDATE address SET text = '10.0.0.3' WHERE text = '10.0.0.2'", "window 1 of * it was changed"},
	{"UPDATE domain SET text = 'www.example.com' WHERE text = 'www.example.org'",
	 "window 1 of * it was changed"},
	{"UPDATE domain SET text = 'a.example.net' WHERE text = 'cdn.example.net'",
	 "window 1 of * it was changed"},
	{"UPDATE flow SET name_source = 5 WHERE id = 6", "window 4 of * it was changed"},
	{"UPDATE flow SET domain_resolved = 0 WHERE id = 2", "window 1 of * it was changed"},
	{"UPDATE flow SET origin = -2 WHERE id = 3", "window 2 of * it was changed"},
	{"UPDATE program SET exe = '/usr/bin/wget' WHERE exe LIKE '%rl%'", "window 1 of * it was changed"},
	{"UPDATE program SET name = 'y' WHERE exe = '/bin/big'", "window 2 of * it was changed"},
	{"UPDATE program SET sha256 = zeroblob(32) WHERE exe = '/usr/bin/last'",
	 "window 4 of * it was changed"},
	{"UPDATE program SET sha256 = zeroblob(32) WHERE exe = '/bin/big'",
	 "window 3 of * hashes that came late"},
	{"UPDATE program SET hash_error = 5 WHERE exe = '/bin/child'",
	 "window 4 of * hashes that came late, which it tells, were changed"},
	{"UPDATE image SET cmdline = 'true' WHERE cmdline = 'last'", "window 4 of * it was changed"},
	{"UPDATE image SET parent = 0 WHERE id = 2", "window 1 of * it was changed"},
	{"UPDATE place SET container = 'beef'", "window 1 of * it was changed"},
	{"DELETE FROM chain WHERE seq = 2", "window 3 of * the window before it was removed"},
	{"DELETE FROM chain WHERE seq = 1", "window 2 of * all windows before it were removed"},
	{"DELETE FROM chain WHERE seq BETWEEN 2 AND 3",
	 "window 4 of * windows 2 to 3 before it were removed"},
	{"DELETE FROM chain WHERE seq = 4", "1 flows behind the last window belong to none"},
	{"UPDATE chain SET seq = 9 WHERE seq = 4", "window 9 of * windows 4 to 8 before it were removed"},
	{"UPDATE chain SET hash = zeroblob(32) WHERE seq = 2", "window 2 of * it was changed"},
	{"UPDATE chain SET time = time - 1 WHERE seq = 3", "window 3 of * it was changed"},
	{"UPDATE chain SET flows = 1 WHERE seq = 4 - 2; DELETE FROM flow WHERE id = 4",
	 "window 2 of * changed"},
	{"INSERT INTO chain(seq, run, time, first, flows, late, hash) SELECT 5, run, time, 7, 0, 0, "
	 "zeroblob(32)"
	 " FROM chain WHERE seq = 4",
	 "window 5 of * it was changed or inserted"},
	{"UPDATE run SET log = zeroblob(16) WHERE id = 2", "window 4 of * it was changed"},
	{"DELETE FROM run WHERE id = 1", "window 1 of * what is known of its start was removed"},
	{"DELETE FROM late", "window 2 of * it was changed"},
	{"UPDATE late SET now = zeroblob(32) WHERE window = 4", "window 4 of * hashes that came late"},
	{"UPDATE late SET pending = 2 WHERE pending = 1", "window 2 of * it was changed"},
	{"UPDATE loss_part SET time_to = time_to - 1", "window 4 of * it was changed"},
	{"DELETE FROM loss_part", "window 4 of * losses that it tells were removed"},
	{"INSERT INTO loss_part VALUES(3, 9, 1, 1, 0, 0, 1, 1, 'x')", "window 3 of * losses that it tells"},
	{"INSERT INTO loss_part VALUES(99, 1, 1, 1, 0, 0, 1, 1, 'x')", "1 losses belong to no window"},
};

/* A pattern with * for anything. */
static int matches(const char *text, const char *pattern)
{
	char part[256];
	const char *star;

	for (;; pattern = star + 1) {
		star = strchr(pattern, '*');
		snprintf(part, sizeof(part), "%.*s", star ? (int)(star - pattern) : 255, pattern);
		if (!(text = strstr(text, part)) || !star)
			return text != NULL;
	}
}

static void edit(const char *where, const char *sql)
{
	char path[2 * PATH_MAX], *why = NULL;
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/snitch.db", where);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	sqlite3_close(db);
}

static void each_edit_is_named(void **state)
{
	char copy[PATH_MAX], command[4 * PATH_MAX];
	size_t i;

	(void)state;
	a_log();
	stop();
	snprintf(copy, sizeof(copy), "%.1000s.copy", dir);
	for (i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		snprintf(command, sizeof(command), "rm -rf '%s' && cp -r '%s' '%s'", copy, dir, copy);
		assert_int_equal(system(command), 0);
		edit(copy, edits[i].sql);
		if (verify(copy) != 1 || !matches(said, edits[i].says))
			fail_msg("%s\nsays: %s\nwant: %s", edits[i].sql, said, edits[i].says);
	}
	feed_rmdir(copy);
	feed_rmdir(dir);
}

/* Nothing is said about what the chain is not about. */
static void other_edits_are_none(void **state)
{
	(void)state;
	a_log();
	stop();
	edit(dir,
	     "UPDATE program SET acknowledged = 1, last_seen = last_seen + 5, verdict = 'good';"
	     "UPDATE account SET name = 'somebody'; UPDATE image SET last_hour = last_hour + 3600; VACUUM");
	whole();
	feed_rmdir(dir);
}

/* Old flows go, the chain begins behind them, and ids are never used again. */
static void retention_leaves_an_anchor(void **state)
{
	struct wire_flow old;
	int i;

	(void)state;
	begin();
	feed_program_start(&f, 1, 0, "/usr/bin/old", "old", 4, 1);
	for (i = 0; i < 3; i++) {
		old = feed_tcp(1, (uint16_t)(1000 + i), 443, 1, 1);
		old.first_ns = old.last_ns = (FEED_T - (90 - i) * 86400) * FEED_NS;
		feed_flow(&f, &old);
		feed_window(&f, FEED_T + 10 + i);
	}
	stop();
	whole();
	start(); /* looks at what is too old */
	feed_window(&f, FEED_T + 20);
	for (i = 0; i < 50 && strcmp(feed_ask(&f, "SELECT count(*) FROM flow"), "0") != 0; i++)
		usleep(100000);
	whole();
	assert_string_equal(feed_ask(&f, "SELECT seq, anchor, flows, losses FROM chain"),
			    "3|1|1|0\n4|0|0|1"); /* the time without us is a window of its own */
	feed_program_start(&f, 2, 0, "/usr/bin/new", "new", 4, 2);
	flow(2, 1, 1);
	feed_window(&f, FEED_T + 30);
	stop();
	whole();
	assert_non_null(strstr(said, "2 windows, 1 flows"));
	assert_string_equal(feed_ask(&f, "SELECT id FROM flow"), "4");
	edit(dir, "DELETE FROM chain WHERE anchor");
	assert_int_equal(verify(dir), 1);
	feed_rmdir(dir);
}

/* A clock that was set back, or an import: what is too old stands between what is not. */
static void retention_in_the_middle(void **state)
{
	struct wire_flow old;
	int i;

	(void)state;
	begin();
	feed_program_start(&f, 1, 0, "/usr/bin/old", "old", 4, 1);
	for (i = 0; i < 4; i++) {
		old = feed_tcp(1, (uint16_t)(1000 + i), 443, 1, 1);
		if (i == 1 || i == 2)
			old.first_ns = old.last_ns = (FEED_T - (90 - i) * 86400) * FEED_NS;
		feed_flow(&f, &old);
		feed_window(&f, FEED_T + 10 + i);
	}
	stop();
	whole();
	start();
	feed_window(&f, FEED_T + 20);
	feed_within(&f, 10, "SELECT group_concat(id) FROM flow", "1,4");
	assert_string_equal(feed_ask(&f, "SELECT group_concat(seq || ':' || anchor) FROM chain WHERE flows"),
			    "1:0,2:1,3:1,4:0");
	assert_string_equal(feed_ask(&f, "SELECT exe FROM connections"), "/usr/bin/old\n/usr/bin/old");
	stop();
	whole();
	assert_non_null(strstr(said, "3 windows, 2 flows"));
	edit(dir, "DELETE FROM chain WHERE seq = 2");
	assert_int_equal(verify(dir), 1);
	feed_rmdir(dir);
}

/* ---- the columns */

static char *replaced(char *text, const char *what, const char *with)
{
	static char out[1 << 16];
	char *at;

	while ((at = strstr(text, what))) {
		snprintf(out, sizeof(out), "%.*s%s%s", (int)(at - text), text, with, at + strlen(what));
		strcpy(text, out);
	}
	return text;
}

#define QUOTE_SQL(since, name, type, sql) "quote(" sql ") || '|' || "
#define QUOTE_NAME(since, name, type, sql) "quote(\"" #name "\") || '|' || "
#define LISTED(since, name, type, sql) "'" #name "', "

static void same_as_the_view(void **state)
{
	char sql[1 << 16], mine[1 << 16], *theirs;

	(void)state;
	a_log();
	stop();
	assert_string_equal(
		feed_ask(&f, "SELECT group_concat(name) FROM pragma_table_info('connections') WHERE name"
			     " NOT IN (" COLUMNS_FLOW(LISTED) COLUMNS_IMAGE(LISTED) "'time',"
										    " 'protocol_name')"),
		"NULL");
	theirs = strdup(feed_ask(&f, "SELECT " COLUMNS_FLOW(QUOTE_NAME) "'' FROM connections"));
	assert_string_equal(feed_ask(&f, "SELECT " COLUMNS_FLOW(QUOTE_SQL) "''" COLUMNS_FLOW_FROM), theirs);
	free(theirs);
	strcpy(sql, "SELECT (SELECT " COLUMNS_IMAGE(QUOTE_SQL) "''" COLUMNS_IMAGE_FROM ") FROM flow f");
	strcpy(mine, feed_ask(&f, replaced(replaced(sql, "?1", "f.image"), "?2", "0")));
	assert_string_equal(mine, feed_ask(&f, "SELECT " COLUMNS_IMAGE(QUOTE_NAME) "'' FROM connections"));
	feed_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_while_and_after),   cmocka_unit_test(each_edit_is_named),
		cmocka_unit_test(other_edits_are_none),	   cmocka_unit_test(retention_leaves_an_anchor),
		cmocka_unit_test(retention_in_the_middle), cmocka_unit_test(same_as_the_view),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
