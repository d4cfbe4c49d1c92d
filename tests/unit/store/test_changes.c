// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_changes.c - a known path that holds other bytes: when it is a change, when not, whose package explains
 * it, and what belongs together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/changes_db.h"
#include "tests/unit/store/feed.h"

#define CHANGES                                                                                              \
	"SELECT kind, exe, substr(old_sha256, 1, 2), substr(sha256, 1, 2), explained, event FROM changes"

static struct feed f;
static char dir[PATH_MAX];
static unsigned next_pid, windows;

static void start(void)
{
	next_pid = 100;
	windows = 0;
	feed_tmpdir(dir);
	feed_start(&f, dir, FEED_DEFAULTS);
	feed_ready(&f);
}

static void stop(void)
{
	assert_int_equal(feed_stop(&f), 0);
	feed_rmdir(dir);
}

/* Ask until the answer is as wanted: changes are written soon, not at once. */
static void becomes(const char *sql, const char *want)
{
	int i;

	for (i = 0; i < 100 && strcmp(feed_ask(&f, sql), want); i++)
		usleep(50000);
	assert_string_equal(feed_ask(&f, sql), want);
}

static struct feed_image image(const char *path, uint8_t sha, uint64_t file_id)
{
	unsigned pid = next_pid++;

	return (struct feed_image){.key = FEED_KEY(pid, 1),
				   .path = path,
				   .comm = "x",
				   .sha = sha,
				   .file_id = file_id,
				   .ctime_s = 1000};
}

/* It runs, and uses the network: from now on its path is known. */
static void networks(struct feed_image *i)
{
	struct wire_flow flow;

	feed_image(&f, i);
	flow = feed_tcp(i->key.tgid, 4000, 443, 1, 1);
	feed_flow(&f, &flow);
	feed_window(&f, FEED_T + 10 * ++windows);
}

static void package(uint64_t file_id, const char *name, unsigned explained)
{
	struct wire_package p = {.file_id = file_id, .explained = (__u16)explained};
	char text[64];
	int n = 0;

	if (name) {
		n = sprintf(text, "dpkg%c%s%c%s", 0, name, 0, "1.0") + 1;
		p.manager_len = 5;
		p.name_len = (__u16)(strlen(name) + 1);
		p.version_len = 4;
	}
	feed_put(&f, WIRE_PACKAGE, &p, sizeof(p), text, (size_t)n);
	feed_flush(&f);
}

static void modified_by(uint64_t file_id, uint32_t tgid)
{
	struct wire_changed c = {.file_id = file_id, .time_ns = FEED_T * FEED_NS, .tgid = tgid};

	feed_put(&f, WIRE_CHANGED, &c, sizeof(c), NULL, 0);
	feed_flush(&f);
}

static void modified(uint64_t file_id)
{
	modified_by(file_id, 999);
}

static void runs(const char *path, uint8_t sha, uint64_t file_id)
{
	struct feed_image i = image(path, sha, file_id);

	feed_image(&f, &i);
	feed_flush(&f);
}

/* Rows of databases that exist are found again by these numbers: they can never be others. */
static void locations_stay(void **state)
{
	(void)state;
	assert_int_equal(changes_location("/usr/bin/curl", NULL), 881097686463415499);
	assert_int_equal(changes_location("/usr/bin/curl", "abc"), 7185079319381907427);
}

/* Raised when it is written to, confirmed when it runs, both one event; the same bytes again are none. */
static void raised_and_confirmed(void **state)
{
	struct feed_image i;

	(void)state;
	start();
	i = image("/opt/a", 0x11, 1);
	networks(&i);
	package(1, NULL, 0);
	modified(1);
	becomes(CHANGES, "modified|/opt/a|11|NULL|NULL|1");
	runs("/opt/a", 0x22, 2);
	package(2, NULL, 0);
	becomes(CHANGES, "modified|/opt/a|11|NULL|NULL|1\nchanged|/opt/a|11|22|NULL|1");
	runs("/opt/a", 0x22, 2);
	runs("/opt/a", 0x22, 3); /* touched: another version, the same bytes */
	package(3, NULL, 0);
	runs("/opt/a", 0x33, 4);
	package(4, "a", WIRE_EXPLAINED_NO);
	becomes(CHANGES " WHERE id > 1", "changed|/opt/a|11|22|NULL|1\nchanged|/opt/a|22|33|no|3");
	becomes("SELECT package, package_version, package_manager FROM changes WHERE id = 3", "a|1.0|dpkg");
	modified(1); /* a version that is no more */
	runs("/opt/unknown", 0x44, 5);
	package(5, NULL, 0);
	becomes("SELECT count(*) FROM changes", "3");
	stop();
}

/* What one process did belongs together; it may be described after it was done. */
static void writers(void **state)
{
	struct feed_image i;

	(void)state;
	start();
	i = image("/opt/a", 0x11, 1);
	networks(&i);
	package(1, NULL, 0);
	i = image("/opt/b", 0x12, 2);
	networks(&i);
	package(2, NULL, 0);
	modified_by(1, 77);
	i = image("/usr/bin/writer", 0x99, 9);
	i.key.tgid = 77;
	feed_image(&f, &i);
	package(9, NULL, 0);
	becomes("SELECT exe, event, members, writer FROM changes", "/opt/a|1|1|/usr/bin/writer");
	modified_by(2, 77);
	becomes("SELECT exe, event, members, writer FROM changes",
		"/opt/a|1|2|/usr/bin/writer\n/opt/b|1|2|/usr/bin/writer");
	modified_by(2, 78);
	becomes("SELECT exe, event, members, writer FROM changes WHERE id > 2", "/opt/b|3|1|NULL");
	modified_by(2, 0);
	modified_by(2, 0); /* nobody is not one process */
	becomes("SELECT exe, event, members, writer FROM changes WHERE id > 3",
		"/opt/b|4|1|NULL\n/opt/b|5|1|NULL");
	stop();
}

/* A digest that comes late, and one that never comes. */
static void late_digest(void **state)
{
	struct wire_digest digest = {.file_id = 2};
	struct feed_image i;

	(void)state;
	start();
	i = image("/opt/a", 0x11, 1);
	networks(&i);
	i = image("/opt/a", 0, 2);
	i.hash_error = WIRE_HASH_PENDING;
	feed_image(&f, &i);
	package(2, "a", WIRE_EXPLAINED_YES);
	i = image("/opt/a", 0, 3);
	i.hash_error = WIRE_HASH_PENDING;
	feed_image(&f, &i);
	memset(digest.sha256, 0x22, sizeof(digest.sha256));
	feed_put(&f, WIRE_DIGEST, &digest, sizeof(digest), NULL, 0);
	feed_flush(&f);
	becomes(CHANGES, "changed|/opt/a|11|22|yes|1");
	digest.file_id = 3;
	digest.hash_error = WIRE_HASH_GONE;
	feed_put(&f, WIRE_DIGEST, &digest, sizeof(digest), NULL, 0);
	runs("/opt/a", 0x22, 4);
	package(4, NULL, 0);
	becomes("SELECT count(*) FROM changes", "1");
	stop();
}

/* The same path in a container, in a root of its own, of a deleted file: other files, not changes. */
static void other_files(void **state)
{
	struct feed_image i;

	(void)state;
	start();
	feed_place(&f, 7, 7, "docker", "c1", NULL, "/docker/c1");
	feed_place(&f, 8, 8, "docker", "c2", NULL, "/docker/c2");
	i = image("/bin/a", 0x11, 1);
	networks(&i);
	package(1, NULL, 0);
	i = image("/bin/a", 0x22, 2);
	i.place_id = 7;
	networks(&i);
	package(2, NULL, 0);
	i = image("/bin/a", 0x33, 3);
	i.place_id = 8;
	i.image_flags = WIRE_IMAGE_ELSEWHERE;
	networks(&i);
	package(3, NULL, 0);
	i = image("/bin/a", 0x44, 4);
	i.image_flags = WIRE_IMAGE_ELSEWHERE;
	networks(&i);
	package(4, NULL, 0);
	i = image("/bin/a", 0x55, 5);
	i.flags = WIRE_EXEC_UNLINKED;
	networks(&i);
	package(5, NULL, 0);
	/* and the machine's own still has its path */
	runs("/bin/a", 0x66, 6);
	package(6, NULL, 0);
	becomes(CHANGES, "changed|/bin/a|11|66|NULL|1");
	i = image("/bin/a", 0x77, 7);
	i.place_id = 7;
	feed_image(&f, &i);
	package(7, NULL, 0);
	becomes("SELECT container, substr(old_sha256, 1, 2), substr(sha256, 1, 2) FROM changes WHERE id = 2",
		"c1|22|77");
	stop();
}

/* 300 programs of one run of the package manager are one event; what it does not explain, or did another day,
 * is another. */
static void one_run_one_event(void **state)
{
	enum {
		N = 300
	};
	static char path[N + 2][32];
	struct feed_image i;
	unsigned n;

	(void)state;
	start();
	for (n = 0; n < N + 2; n++) {
		snprintf(path[n], sizeof(path[n]), "/usr/bin/p%u", n);
		i = image(path[n], 0x11, 1 + n);
		networks(&i);
		package(1 + n, "p", WIRE_EXPLAINED_YES);
	}
	for (n = 0; n < N + 2; n++) {
		i = image(path[n], 0x22, 1000 + n);
		i.ctime_s = 2000 + n;
		if (n == N + 1)
			i.ctime_s += 86400;
		feed_image(&f, &i);
		package(1000 + n, "p", n == N ? WIRE_EXPLAINED_NO : WIRE_EXPLAINED_YES);
	}
	becomes("SELECT count(*), count(DISTINCT event) FROM changes", "302|3");
	becomes("SELECT DISTINCT members, explained, event FROM changes ORDER BY event",
		"300|yes|1\n1|no|301\n1|yes|302");
	becomes("SELECT DISTINCT package, package_version, package_manager, explained FROM programs",
		"p|1.0|dpkg|yes");
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raised_and_confirmed), cmocka_unit_test(writers),
		cmocka_unit_test(late_digest),		cmocka_unit_test(other_files),
		cmocka_unit_test(one_run_one_event),	cmocka_unit_test(locations_stay),
	};

	return cmocka_run_group_tests_name("store changes", tests, NULL, NULL);
}
