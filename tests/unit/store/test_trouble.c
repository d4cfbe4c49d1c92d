// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_trouble.c - the real femtosnitch-store when things go wrong: locked, read-only, full, damaged, moved,
 * newer or foreign databases, SIGKILL, and readers who are not the writer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <grp.h>
#include <sys/mount.h>

#include "store/schema.h"
#include "tests/unit/store/feed.h"

#define ARGS(text) text, sizeof(text)
#define NOBODY 65534
#define READERS 64123 /* a group that is nobody's */

static struct feed f;
static char dir[PATH_MAX], db[PATH_MAX + 16];

static void fresh_dir(void)
{
	feed_tmpdir(dir);
	snprintf(db, sizeof(db), "%s/snitch.db", dir);
}

static void start(void)
{
	feed_start(&f, dir, FEED_DEFAULTS);
	feed_ready(&f);
	feed_program_start(&f, 1, 0, "/bin/a", ARGS("a"), 1);
}

static void flow(uint16_t lport, uint64_t sent)
{
	struct wire_flow flow = feed_tcp(1, lport, 443, sent, 0);

	feed_flow(&f, &flow);
}

static void stop(void)
{
	assert_int_equal(feed_stop(&f), 0);
}

static void sql(const char *text)
{
	sqlite3 *s = NULL;

	assert_int_equal(sqlite3_open(db, &s), SQLITE_OK);
	assert_int_equal(sqlite3_exec(s, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(s);
}

static void run(const char *format, ...)
{
	char command[3 * PATH_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	if (system(command) != 0)
		feed_die("%s", command);
}

static int is_root(const char *test)
{
	if (geteuid() == 0)
		return 1;
	printf("SKIP %s: needs root\n", test);
	return 0;
}

static void a_newer_database_is_left_alone(void **state)
{
	char before[64];

	(void)state;
	fresh_dir();
	start();
	flow(1, 1);
	feed_window(&f, FEED_T + 10);
	stop();
	sql("PRAGMA user_version = 99");
	snprintf(before, sizeof(before), "%s", feed_ask(&f, "SELECT count(*) FROM connections"));
	feed_start(&f, dir, FEED_DEFAULTS);
	assert_int_equal(feed_stop(&f), 2);
	assert_string_equal(feed_ask(&f, "PRAGMA user_version"), "99");
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM connections"), before);
	feed_rmdir(dir);
}

static void a_foreign_database_is_left_alone(void **state)
{
	(void)state;
	fresh_dir();
	sql("CREATE TABLE connections(contime text); INSERT INTO connections VALUES('x'); PRAGMA "
	    "user_version = 3");
	feed_start(&f, dir, FEED_DEFAULTS);
	assert_int_equal(feed_stop(&f), 2);
	sql("PRAGMA user_version = 0"); /* not taken for an old one of ours either */
	feed_start(&f, dir, FEED_DEFAULTS);
	assert_int_equal(feed_stop(&f), 2);
	assert_string_equal(feed_ask_file(db, "SELECT * FROM connections"), "x");
	assert_string_equal(feed_ask_file(db, "PRAGMA journal_mode"), "delete");
	feed_rmdir(dir);
}

static void an_empty_file_becomes_a_database(void **state)
{
	(void)state;
	fresh_dir();
	run(": > %s", db);
	start();
	flow(1, 1);
	feed_window(&f, FEED_T + 10);
	stop();
	assert_string_equal(feed_ask(&f, "PRAGMA user_version"), "4");
	assert_string_equal(feed_ask(&f, "SELECT send FROM connections"), "1");
	assert_string_equal(feed_ask(&f, "SELECT strftime('%s', 'now') - value BETWEEN 0 AND 60 FROM meta"
					 " WHERE key = 'started'"),
			    "1");
	feed_rmdir(dir);
}

static void a_locked_database_costs_no_row(void **state)
{
	sqlite3 *other = NULL;

	(void)state;
	fresh_dir();
	start();
	flow(1, 1);
	feed_window(&f, FEED_T + 10);
	assert_int_equal(sqlite3_open(db, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	flow(1, 2);
	assert_true(feed_window_stays(&f, FEED_T + 20));
	assert_int_equal(f.errors, 1);
	assert_non_null(strstr(f.text, "locked"));
	flow(2, 4);
	assert_true(feed_window_stays(&f, FEED_T + 30));
	assert_int_equal(f.errors, 1); /* said once */
	sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(other);
	assert_int_equal(feed_wait(&f, WIRE_COMMITTED, 1, 5000), 1); /* by itself */
	assert_string_equal(feed_ask(&f, "SELECT send FROM connections ORDER BY send"), "1\n2\n4");
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM losses"), "0");
	stop();
	feed_rmdir(dir);
}

static void a_reader_does_not_stop_the_writer(void **state)
{
	sqlite3 *reader = NULL;

	(void)state;
	fresh_dir();
	start();
	flow(1, 1);
	feed_window(&f, FEED_T + 10);
	assert_int_equal(sqlite3_open_v2(db, &reader, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT * FROM connections", NULL, NULL, NULL),
			 SQLITE_OK);
	flow(1, 2);
	feed_window(&f, FEED_T + 20);
	sqlite3_close(reader);
	assert_string_equal(feed_ask(&f, "SELECT send FROM connections ORDER BY send"), "1\n2");
	stop();
	feed_rmdir(dir);
}

static void a_damaged_database_is_moved_aside(void **state)
{
	(void)state;
	fresh_dir();
	start();
	flow(1, 1);
	feed_window(&f, FEED_T + 10);
	stop();
	run("rm %s-wal; printf 'this is no database, but it has some length' | dd of=%s conv=notrunc "
	    "2>/dev/null",
	    db, db);
	start();
	assert_int_equal(f.errors, 1);
	flow(1, 2);
	feed_window(&f, FEED_T + 20);
	assert_string_equal(feed_ask(&f, "SELECT send FROM connections"), "2");
	assert_string_equal(feed_ask(&f, "SELECT kind, stage FROM losses WHERE detail LIKE '%damaged%'"),
			    "store|store");
	stop();
	run("test -e %s.corrupt-*Z", db);
	run("grep -q damaged %s/error.log", dir);
	feed_rmdir(dir);
}

static void damage_that_cannot_be_moved_aside(void **state)
{
	(void)state;
	if (!is_root("damage_that_cannot_be_moved_aside"))
		return;
	fresh_dir();
	run("head -c 8192 /dev/urandom > %s; chown %d %s %s; chmod 0550 %s", db, NOBODY, db, dir, dir);
	feed_start_as(&f, dir, FEED_DEFAULTS, NOBODY, NOBODY);
	feed_ready(&f);
	feed_program_start(&f, 1, 0, "/bin/a", ARGS("a"), 1);
	flow(1, 3);
	assert_int_equal(feed_window_ms(&f, FEED_T + 10, 3000), -1); /* long enough for another try */
	assert_int_equal(f.errors, 1);				     /* said once */
	run("rm %s; chmod 0750 %s", db, dir);
	assert_int_equal(feed_wait(&f, WIRE_COMMITTED, 1, 6000), 1);
	assert_string_equal(feed_ask(&f, "SELECT send FROM connections"), "3");
	stop();
	feed_rmdir(dir);
}

static void damage_found_while_running(void **state)
{
	(void)state;
	fresh_dir();
	start();
	flow(1, 1);
	feed_window(&f, FEED_T + 10);
	sqlite3 *s = NULL;
	assert_int_equal(sqlite3_open(db, &s), SQLITE_OK);
	/* the schema of a table is made nonsense behind the writer's back */
	assert_int_equal(sqlite3_exec(s,
				      "PRAGMA writable_schema=ON; UPDATE sqlite_master SET sql = 'nonsense'"
				      " WHERE name = 'flow'",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_exec(s, "PRAGMA schema_version=1234", NULL, NULL, NULL);
	sqlite3_close(s);
	flow(1, 2);
	feed_window(&f, FEED_T + 20);
	assert_string_equal(feed_ask(&f, "SELECT send FROM connections"), "2");
	run("test -e %s.corrupt-*Z", db);
	stop();
	feed_rmdir(dir);
}

static void a_removed_database_is_begun_anew(void **state)
{
	(void)state;
	fresh_dir();
	start();
	flow(1, 1);
	feed_window(&f, FEED_T + 10);
	run("rm %s", db); /* what it leaves behind is not taken for the new one's */
	flow(1, 2);
	feed_window(&f, FEED_T + 20);
	assert_int_equal(f.errors, 1);
	assert_string_equal(feed_ask(&f, "SELECT exe, send FROM connections"), "/bin/a|2");
	assert_string_equal(feed_ask(&f, "SELECT detail FROM losses"),
			    "snitch.db was moved or removed while in use");
	stop();
	feed_rmdir(dir);
}

static void a_read_only_database_is_waited_for(void **state)
{
	(void)state;
	if (!is_root("a_read_only_database_is_waited_for"))
		return;
	fresh_dir();
	run("chown %d:%d %s", NOBODY, NOBODY, dir);
	feed_start_as(&f, dir, FEED_DEFAULTS, NOBODY, NOBODY);
	feed_ready(&f);
	stop();
	run("chmod 0440 %s; chmod 0550 %s", db, dir);
	feed_start_as(&f, dir, FEED_DEFAULTS, NOBODY, NOBODY);
	feed_ready(&f);
	assert_non_null(strstr(f.text, "NOT PROVEN"));
	feed_program_start(&f, 1, 0, "/bin/a", ARGS("a"), 1);
	flow(1, 3);
	assert_true(feed_window_stays(&f, FEED_T + 10));
	assert_int_equal(f.errors, 1);
	run("chmod 0640 %s; chmod 0750 %s", db, dir);
	assert_int_equal(feed_wait(&f, WIRE_COMMITTED, 1, 6000), 1);
	assert_string_equal(feed_ask(&f, "SELECT send FROM connections"), "3");
	stop();
	feed_rmdir(dir);
}

static void a_full_disk_keeps_what_was_committed(void **state)
{
	char filler[PATH_MAX + 16];
	unsigned i;

	(void)state;
	if (!is_root("a_full_disk_keeps_what_was_committed"))
		return;
	fresh_dir();
	if (mount("tmpfs", dir, "tmpfs", 0, "size=4m,mode=0750") != 0) {
		printf("SKIP a_full_disk_keeps_what_was_committed: mount: %s\n", strerror(errno));
		return;
	}
	start();
	flow(1, 1);
	feed_window(&f, FEED_T + 10);
	snprintf(filler, sizeof(filler), "%s/filler", dir);
	run("head -c 8m /dev/zero > %s 2>/dev/null; true", filler);
	for (i = 0; i < 70000; i++) { /* more than is kept in memory */
		struct wire_flow one = feed_tcp(1, (uint16_t)(i % 60000), (uint16_t)(i / 60000), 10, 0);

		feed_flow(&f, &one);
	}
	assert_true(feed_window_stays(&f, FEED_T + 20));
	assert_int_equal(f.errors, 1);
	assert_non_null(strstr(f.text, "full"));
	assert_string_equal(feed_ask(&f, "SELECT send FROM connections"), "1");
	unlink(filler);
	run("mount -o remount,size=64m %s", dir);
	assert_int_equal(feed_wait(&f, WIRE_COMMITTED, 1, 6000), 1);
	assert_string_equal(feed_ask(&f, "SELECT count(*), sum(send) FROM connections"), "65537|655361");
	assert_string_equal(feed_ask(&f, "SELECT kind, records, bytes FROM losses"), "store|4464|44640");
	stop();
	umount(dir);
	feed_rmdir(dir);
}

/* ---- readers */

static int ask_as_reader(const char *path, const char *question, char *answer, size_t size)
{
	gid_t groups[] = {READERS};
	int out[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe(out) != 0)
		feed_die("pipe");
	pid = fork();
	if (pid == 0) {
		const char *text;

		if (setgroups(1, groups) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
		    setresuid(NOBODY, NOBODY, NOBODY) != 0)
			_exit(1);
		text = feed_ask_file(path, question);
		_exit(write(out[1], text, strlen(text)) < 0);
	}
	close(out[1]);
	n = read(out[0], answer, size - 1);
	answer[n > 0 ? n : 0] = '\0';
	close(out[0]);
	waitpid(pid, &status, 0);
	return status;
}

static void a_person_of_the_group_reads(void **state)
{
	const char *question = "SELECT exe, send FROM connections";
	char answer[256];

	(void)state;
	if (!is_root("a_person_of_the_group_reads"))
		return;
	fresh_dir();
	run("chown 1:%d %s", READERS, dir);
	feed_start_as(&f, dir, FEED_DEFAULTS, 1, READERS);
	feed_ready(&f);
	feed_program_start(&f, 1, 0, "/bin/a", ARGS("a"), 1);
	flow(1, 5);
	feed_window(&f, FEED_T + 10);
	ask_as_reader(db, question, answer, sizeof(answer)); /* up */
	assert_string_equal(answer, "/bin/a|5");
	run("test \"$(stat -c %%a:%%u:%%g %s)\" = 640:1:%d", db, READERS);
	stop();
	run("test -e %s-wal && test -e %s-shm", db, db);
	ask_as_reader(db, question, answer, sizeof(answer)); /* stopped */
	assert_string_equal(answer, "/bin/a|5");
	feed_start_as(&f, dir, FEED_DEFAULTS, 1, READERS);
	feed_ready(&f);
	feed_program_start(&f, 1, 0, "/bin/b", ARGS("b"), 2);
	flow(1, 6);
	feed_window(&f, FEED_T + 20);
	feed_kill(&f);
	ask_as_reader(db, question, answer, sizeof(answer)); /* killed */
	assert_string_equal(answer, "/bin/a|5\n/bin/b|6");
	feed_rmdir(dir);
}

/* ---- time that nobody watched */

static void a_stop_is_a_gap(void **state)
{
	(void)state;
	fresh_dir();
	start();
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM losses"), "0"); /* the first start ever */
	flow(1, 1);
	feed_window(&f, FEED_T + 10);
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM losses"), "0");
	stop();
	sleep(2);
	start();
	feed_window(&f, FEED_T + 20);
	assert_string_equal(
		feed_ask(&f, "SELECT kind, stage, unix_to - unix_from BETWEEN 2 AND 5 FROM losses"),
		"not watching|store|1");
	stop();
	feed_rmdir(dir);
}

static void a_gap_after_sigkill_begins_at_the_last_window(void **state)
{
	char expected[64];
	uint64_t last = (uint64_t)time(NULL) - 100;

	(void)state;
	fresh_dir();
	start();
	flow(1, 1);
	feed_window(&f, last);
	flow(1, 2); /* never committed */
	feed_kill(&f);
	start();
	feed_window(&f, FEED_T + 20);
	snprintf(expected, sizeof(expected), "not watching|%llu", (unsigned long long)last);
	assert_string_equal(feed_ask(&f, "SELECT kind, unix_from FROM losses"), expected);
	assert_string_equal(feed_ask(&f, "SELECT sum(send) FROM connections"), "1");
	stop();
	feed_rmdir(dir);
}

/* A busy machine leaves the time with its rows, not in the heartbeat, which is older. */
static void a_gap_begins_at_the_last_rows(void **state)
{
	char expected[64];
	uint64_t last = (uint64_t)time(NULL) - 100;

	(void)state;
	fresh_dir();
	start();
	flow(1, 1);
	feed_window(&f, last - 10);
	flow(1, 1);
	feed_window(&f, last);
	feed_kill(&f);
	start();
	feed_window(&f, FEED_T + 20);
	snprintf(expected, sizeof(expected), "not watching|%llu", (unsigned long long)last);
	assert_string_equal(feed_ask(&f, "SELECT kind, unix_from FROM losses"), expected);
	stop();
	feed_rmdir(dir);
}

static void an_idle_machine_has_a_heartbeat(void **state)
{
	char expected[64];
	uint64_t last = (uint64_t)time(NULL) - 100;

	(void)state;
	fresh_dir();
	start();
	flow(1, 1);
	feed_window(&f, last - 1000);
	feed_window(&f, last); /* nothing in it: not written to snitch.db */
	feed_kill(&f);
	start();
	feed_window(&f, FEED_T + 20);
	snprintf(expected, sizeof(expected), "not watching|%llu", (unsigned long long)last);
	feed_window(&f, FEED_T + 30);
	assert_string_equal(feed_ask(&f, "SELECT kind, unix_from FROM losses"), expected);
	stop();
	feed_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_newer_database_is_left_alone),
		cmocka_unit_test(a_foreign_database_is_left_alone),
		cmocka_unit_test(an_empty_file_becomes_a_database),
		cmocka_unit_test(a_locked_database_costs_no_row),
		cmocka_unit_test(a_reader_does_not_stop_the_writer),
		cmocka_unit_test(a_damaged_database_is_moved_aside),
		cmocka_unit_test(damage_that_cannot_be_moved_aside),
		cmocka_unit_test(damage_found_while_running),
		cmocka_unit_test(a_removed_database_is_begun_anew),
		cmocka_unit_test(a_read_only_database_is_waited_for),
		cmocka_unit_test(a_full_disk_keeps_what_was_committed),
		cmocka_unit_test(a_person_of_the_group_reads),
		cmocka_unit_test(a_stop_is_a_gap),
		cmocka_unit_test(a_gap_after_sigkill_begins_at_the_last_window),
		cmocka_unit_test(a_gap_begins_at_the_last_rows),
		cmocka_unit_test(an_idle_machine_has_a_heartbeat),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("store trouble", tests, NULL, NULL);
}
