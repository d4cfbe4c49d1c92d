// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_named.c - which renames are news of a known program, who did them, and what happens at the bounds.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "hasher/named.h"

static struct named *named;
static struct named *ended[8]; /* their threads may still look at them, and so must a search for leaks */
static char dir[64];

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/femtosnitch-test.XXXXXX");
	assert_non_null(mkdtemp(dir));
	named = named_new();
	return 0;
}

static int teardown(void **state)
{
	char command[128];
	unsigned i;

	(void)state;
	for (i = 0; ended[i]; i++)
		;
	ended[i] = named;
	named_free(named);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static void need_group(void)
{
	if (named)
		return;
	print_message("SKIP named: fanotify_init: %s\n", strerror(errno));
	skip();
}

static char *path_of(const char *name)
{
	static char path[2][128];
	static unsigned turn;
	char *p = path[turn++ % 2];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static __u64 make(const char *name)
{
	FILE *file = fopen(path_of(name), "w");
	struct stat st;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &st), 0);
	fclose(file);
	return st.st_ino;
}

/* News of a version, after all that waits was looked at; 0: none. */
static __u64 news(__u32 *tgid)
{
	struct wire_changed changed;
	__u64 file_id = 0;

	do {
		struct pollfd fd = {.fd = named_answers_fd(named), .events = POLLIN};

		named_drain(named);
		if (named_busy(named))
			assert_int_equal(poll(&fd, 1, 5000), 1);
		if (named_answer(named, &changed)) {
			assert_int_equal(file_id, 0);
			assert_true(changed.time_ns > 0);
			file_id = changed.file_id;
			*tgid = changed.tgid;
		}
	} while (named_busy(named));
	return file_id;
}

static void watch(const char *name, __u64 ino, __u64 file_id)
{
	const struct wire_file file = {.ino = ino};
	__u32 tgid;

	named_watch(named, path_of(name), &file, file_id);
	assert_int_equal(news(&tgid), 0);
}

static void put(const char *from, const char *to)
{
	assert_int_equal(rename(path_of(from), path_of(to)), 0);
}

static void another_file(void **state)
{
	__u32 tgid = 0;
	pid_t pid;

	(void)state;
	need_group();
	watch("program", make("program"), 7);
	make("program.new");
	pid = fork();
	if (pid == 0)
		_exit(rename(path_of("program.new"), path_of("program")) != 0);
	waitpid(pid, NULL, 0);
	assert_int_equal(news(&tgid), 7);
	assert_int_equal(tgid, pid);
	/* said once, until the one that is there now has run */
	make("program.new");
	put("program.new", "program");
	assert_int_equal(news(&tgid), 0);
	watch("program", make("program"), 8);
	make("program.new");
	put("program.new", "program");
	assert_int_equal(news(&tgid), 8);
}

/* ext4 gives the number of the file that went to the next one. */
static void same_number(void **state)
{
	__u32 tgid;
	__u64 ino;

	(void)state;
	need_group();
	ino = make("program");
	watch("program", ino, 7);
	assert_int_equal(unlink(path_of("program")), 0);
	if (make("program.new") != ino)
		print_message("numbers are not given anew here\n");
	put("program.new", "program");
	assert_int_equal(news(&tgid), 7);
}

static void no_news(void **state)
{
	__u32 tgid;
	__u64 ino;

	(void)state;
	need_group();
	ino = make("program");
	watch("program", ino, 7);
	make("other");
	put("other", "another"); /* not the name of a program */
	assert_int_equal(news(&tgid), 0);
	put("program", "aside"); /* and back, before anybody looked */
	put("aside", "program");
	assert_int_equal(news(&tgid), 0);
	put("program", "aside"); /* away: nothing can run that was changed */
	assert_int_equal(news(&tgid), 0);
	watch("another", ino, 9); /* it was replaced before its record came: told when it runs */
	make("other");
	put("other", "another");
	assert_int_equal(news(&tgid), 0);
}

static void no_path(void **state)
{
	(void)state;
	need_group();
	watch("gone", 1, 7);
	named_watch(named, "", &(struct wire_file){.ino = 1}, 7);
	named_watch(named, "relative", &(struct wire_file){.ino = 1}, 7);
	named_watch(named, "/", &(struct wire_file){.ino = 1}, 7);
	while (named_busy(named)) {
		struct wire_changed changed;

		assert_false(named_answer(named, &changed));
	}
}

/* The oldest gives way, and what is not looked up yet is not waited for. */
static void bounds(void **state)
{
	char name[32];
	__u32 tgid;
	unsigned i;

	(void)state;
	need_group();
	for (i = 0; i <= NAMED_MAX; i++) {
		snprintf(name, sizeof(name), "p%u", i);
		watch(name, make(name), 100 + i);
	}
	make("new");
	put("new", "p0"); /* has given way */
	assert_int_equal(news(&tgid), 0);
	make("new");
	put("new", "p1");
	assert_int_equal(news(&tgid), 101);
	snprintf(name, sizeof(name), "p%u", NAMED_MAX);
	make("new");
	put("new", name);
	assert_int_equal(news(&tgid), 100 + NAMED_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(another_file), TEST(same_number), TEST(no_news), TEST(no_path), TEST(bounds),
	};

	return cmocka_run_group_tests_name("hasher named", tests, NULL, NULL);
}
