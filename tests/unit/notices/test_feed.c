// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_feed.c - who is told what, once: his own, what nobody muted, what changed only when it is known who
 * brought it, and nothing lost or held for ever.
 */
#include <limits.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bpf/wire.h"
#include "store/notices/feed.h"
#include "store/schema.h"

static char dir[64], path[128], told[65536];
static sqlite3 *db;
static struct feed_reader eve;
static int room; /* lines that he takes */

static void run(const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s", why);
}

static int before(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/femtosnitch-feed-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/" SCHEMA_FILE, dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	run(SCHEMA_ALL);
	eve = (struct feed_reader){.uid = 1000};
	room = 1000;
	return 0;
}

static int after(void **state)
{
	(void)state;
	sqlite3_close(db);
	unlink(path);
	return rmdir(dir);
}

static bool line(void *arg, const char *text, size_t len)
{
	(void)arg;
	if (room == 0)
		return false;
	room--;
	assert_int_equal(text[len - 1], '\n');
	assert_int_equal(text[len - 2], '}');
	strncat(told, text, len);
	return true;
}

static const char *tell(struct feed_reader *r, bool waited)
{
	struct feed *f = feed_open(dir);

	assert_non_null(f);
	told[0] = '\0';
	assert_int_equal(feed_tell(f, r, waited, line, NULL), 0);
	feed_close(f);
	return told;
}

/* A program that was told, or would be. */
static void event(int id, int kind, int uid, const char *name)
{
	char sql[1024];

	snprintf(sql, sizeof(sql),
		 "INSERT INTO program(id, exe, name, sha256, hash_error, first_seen, last_seen)"
		 " VALUES(%d, '/bin/%s', '%s', randomblob(32), 0, 1, 1);"
		 "INSERT INTO event(id, time, kind, program, uid, quiet, exe, name, text)"
		 " VALUES(%d, strftime('%%s', 'now'), %d, %d, %d, 0, '/bin/%s', '%s', '')",
		 id, name, name, id, kind, id, uid, name, name);
	run(sql);
}

static void explain(int id, int explained, int of_event)
{
	char sql[1024];

	snprintf(sql, sizeof(sql),
		 "INSERT INTO change(time, kind, location, exe, old_sha256, sha256, manager, package, "
		 "version, explained,"
		 " event) SELECT 1, 2, id, exe, x'00', sha256, 'dpkg', 'p' || (id / 10), '1', %d, %d FROM "
		 "program"
		 " WHERE id = %d",
		 explained, of_event, id);
	run(sql);
}

static void test_whose(void **state)
{
	struct feed_reader admin = {.uid = 7, .all = true};

	(void)state;
	event(1, SCHEMA_KIND_NEW, 1000, "hers");
	event(2, SCHEMA_KIND_NEW, 1001, "his");
	event(3, SCHEMA_KIND_NEW, 1000, "mute");
	run("INSERT INTO acknowledged VALUES('/bin/mute', 1000, 1, 1, NULL)");
	tell(&eve, false);
	assert_non_null(strstr(told, "/bin/hers"));
	assert_null(strstr(told, "/bin/his"));
	assert_null(strstr(told, "/bin/mute"));
	assert_string_equal(tell(&eve, false), "");
	tell(&admin, false);
	assert_non_null(strstr(told, "/bin/his"));
	assert_non_null(strstr(told, "/bin/mute"));
}

static void test_held(void **state)
{
	(void)state;
	event(1, SCHEMA_KIND_CHANGED, 1000, "changed");
	event(2, SCHEMA_KIND_NEW, 1000, "new");
	tell(&eve, false);
	assert_null(strstr(told, "/bin/changed")); /* nobody waits for it */
	assert_non_null(strstr(told, "/bin/new"));
	assert_non_null(strstr(told, "\"seen\":0}")); /* who comes again gets both */
	assert_string_equal(tell(&eve, false), "");
	explain(1, WIRE_EXPLAINED_NO, 1);
	tell(&eve, false);
	assert_non_null(strstr(told, "/bin/changed"));
	assert_non_null(strstr(told, "\"explained\":\"no\""));
	assert_non_null(strstr(told, "\"run\":null"));
	assert_non_null(strstr(told, "\"seen\":2}"));
	assert_string_equal(tell(&eve, false), "");
}

static void test_never_explained(void **state)
{
	(void)state;
	event(1, SCHEMA_KIND_CHANGED, 1000, "changed");
	assert_string_equal(tell(&eve, false), "");
	run("UPDATE event SET time = time - 46");
	assert_non_null(strstr(tell(&eve, false), "/bin/changed"));
	assert_int_equal(eve.n_held, 0);
}

static void test_run(void **state)
{
	char name[8];
	int i;

	(void)state;
	for (i = 10; i < 22; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		event(i, SCHEMA_KIND_CHANGED, 1000, name);
	}
	assert_string_equal(tell(&eve, false), "");
	assert_int_equal(eve.n_held, 12);
	for (i = 10; i < 22; i++)
		explain(i, WIRE_EXPLAINED_YES, 5);
	tell(&eve, false);
	assert_non_null(strstr(told, "\"run\":5,\"members\":12,\"packages\":2,\"seen\":21}"));
	assert_int_equal(eve.n_held, 0);
}

static void test_bounds(void **state)
{
	char name[8];
	int i;

	(void)state;
	for (i = 1; i <= FEED_HELD + 5; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		event(i, SCHEMA_KIND_CHANGED, 1000, name);
	}
	tell(&eve, false);
	assert_int_equal(eve.n_held, FEED_HELD); /* the others are told as they are */
	assert_null(strstr(told, "/bin/p64\""));
	assert_non_null(strstr(told, "/bin/p65\""));
	room = 0; /* he takes nothing now: nothing of it is lost */
	explain(1, WIRE_EXPLAINED_NO, 1);
	assert_string_equal(tell(&eve, false), "");
	assert_int_equal(eve.n_held, FEED_HELD);
	room = 1000;
	assert_non_null(strstr(tell(&eve, false), "/bin/p1\""));
	run("INSERT INTO acknowledged SELECT exe, 1000, 1, 1, NULL FROM program");
	assert_string_equal(tell(&eve, false), "");
	assert_int_equal(eve.n_held, 0);
}

static void test_summary(void **state)
{
	char name[8];
	int i;

	(void)state;
	for (i = 1; i <= 9; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		event(i, SCHEMA_KIND_NEW, 1000, name);
	}
	tell(&eve, true);
	assert_non_null(strstr(told, "\"summary\":9"));
	assert_non_null(strstr(told, "\"seen\":9}"));
	assert_string_equal(tell(&eve, false), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whose, before, after),
		cmocka_unit_test_setup_teardown(test_held, before, after),
		cmocka_unit_test_setup_teardown(test_never_explained, before, after),
		cmocka_unit_test_setup_teardown(test_run, before, after),
		cmocka_unit_test_setup_teardown(test_bounds, before, after),
		cmocka_unit_test_setup_teardown(test_summary, before, after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
