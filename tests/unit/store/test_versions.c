// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_versions.c - a database of each version before this is kept in the tree, as snitch-vN.db: it becomes
 * one of this version, and loses nothing. Whoever raises SCHEMA_VERSION first has the program of that day make
 * the file of its version: `test_versions make FILE`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/store/scratch.h"

/* What is in all of them: 100 bytes of this program. */
static const struct feed_image stored = {.key = {.tgid = 2, .exec_id = 1, .start_ns = 2000},
					 .path = "/usr/bin/stored",
					 .comm = "stored",
					 .argv = "stored",
					 .argv_len = sizeof("stored"),
					 .sha = 0x11};

static struct feed f;

static void describe(int version)
{
	struct feed_image image = stored;

	if (version > 1) { /* in version 1 there were no places */
		feed_place(&f, 7, 7, "lxc", "web1", "a.service", "/a.service/lxc/web1");
		image.place_id = 7;
	}
	feed_image(&f, &image);
}

static int make(const char *path)
{
	static const char lines[] = "TCP sent: proven\nkernel 6.12.43";
	struct wire_ready collector = {.stage = WIRE_STAGE_COLLECTOR, .text_len = sizeof(lines) - 1};
	struct wire_flow flow = feed_tcp(2, 4000, 443, 100, 1);
	char dir[PATH_MAX], command[3 * PATH_MAX];

	feed_tmpdir(dir);
	feed_start(&f, dir, FEED_DEFAULTS);
	feed_put(&f, WIRE_READY, &collector, sizeof(collector), lines, sizeof(lines) - 1);
	feed_ready(&f);
	describe(SCHEMA_VERSION);
	feed_place(&f, 8, 8, NULL, NULL, "b.socket", "/b.socket");
	flow.creator_cgroup = 8;
	flow.creator_uid = 5;
	feed_flow(&f, &flow);
	feed_window(&f, FEED_T + 10);
	if (feed_stop(&f) != 0)
		feed_die("the store failed");
	snprintf(command, sizeof(command),
		 "cd '%s' && sqlite3 snitch.db 'PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; "
		 "VACUUM;' >/dev/null"
		 " && cat snitch.db",
		 dir);
	if (!freopen(path, "w", stdout) || system(command) != 0)
		feed_die("%s", command);
	feed_rmdir(dir);
	return 0;
}

#define SCHEMA "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2"

/* Whatever it was, it is now what an empty file would have become. */
static void is_of_this_version(const char *db)
{
	struct scratch fresh;
	char *want;

	scratch_open(&fresh);
	want = strdup(scratch_ask(&fresh, SCHEMA));
	assert_string_equal(feed_ask_file(db, SCHEMA), want);
	free(want);
	scratch_close(&fresh);
	assert_string_equal(feed_ask_file(db, "PRAGMA quick_check"), "ok");
}

static void becomes_this_version(int version, const char *dir)
{
	struct wire_flow flow = feed_tcp(2, 1, 443, 2, 0);
	char path[PATH_MAX + 32];

	feed_start(&f, dir, "{\"DB retention (days)\": 36500}"); /* whatever day it is now */
	feed_ready(&f);
	feed_program_start(&f, 1, 0, "/bin/a", "a", 2, 1);
	describe(version);
	feed_flow(&f, &flow);
	flow = feed_tcp(1, 1, 443, 1, 0);
	feed_flow(&f, &flow);
	feed_window(&f, FEED_T + 10);
	assert_string_equal(
		feed_ask(&f, "SELECT exe, sum(send), count(*) FROM connections GROUP BY exe ORDER BY exe"),
		"/bin/a|1|1\n/usr/bin/stored|102|2");
	assert_string_equal(feed_ask(&f, "SELECT exe, sum(send) FROM totals_day GROUP BY exe ORDER BY exe"),
			    "/bin/a|1\n/usr/bin/stored|102");
	/* it is the image that was known */
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM image WHERE cmdline = 'stored'"), "1");
	assert_string_equal(
		feed_ask(&f, "SELECT container, unit, runtime, cgroup, creator, creator_uid, tunnel_send"
			     " FROM connections WHERE send = 100"),
		version == 1 ? "NULL|NULL|NULL|NULL|NULL|NULL|0"
			     : "web1|a.service|lxc|/a.service/lxc/web1|b.socket|5|0");
	assert_int_equal(feed_stop(&f), 0);
	snprintf(path, sizeof(path), "%s/snitch.db.v%d.bak", dir, version);
	assert_int_equal(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/snitch.db", dir);
	is_of_this_version(path);
}

static void databases_of_earlier_versions(void **state)
{
	char kept[PATH_MAX], dir[PATH_MAX], command[3 * PATH_MAX];
	int version;

	(void)state;
	for (version = 1; version < SCHEMA_VERSION; version++) {
		snprintf(kept, sizeof(kept), "tests/unit/store/snitch-v%d.db", version);
		if (access(kept, R_OK) != 0) {
			printf("SKIP databases_of_earlier_versions: not started in the source tree\n");
			return;
		}
		feed_tmpdir(dir);
		snprintf(command, sizeof(command), "cp '%s' '%s/snitch.db'", kept, dir);
		assert_int_equal(system(command), 0);
		becomes_this_version(version, dir);
		feed_rmdir(dir);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(databases_of_earlier_versions)};

	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && !strcmp(argv[1], "make"))
		return make(argv[2]);
	return cmocka_run_group_tests_name("store versions", tests, NULL, NULL);
}
