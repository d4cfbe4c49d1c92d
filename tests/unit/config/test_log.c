// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_log.c - what reaches stderr: one line per message, whatever bytes are in it; and utf8.h, which does
 * that.
 */
#include "config/log.h"

#include <errno.h>
#include <fcntl.h>
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

#include "config/utf8.h"

static char said[16384];
static int ends[2], saved;

/* From here to heard(), stderr is a pipe. */
static void listen_to_stderr(void)
{
	assert_int_equal(pipe(ends), 0);
	saved = dup(2);
	dup2(ends[1], 2);
	close(ends[1]);
}

static const char *heard(void)
{
	ssize_t n;

	dup2(saved, 2);
	close(saved);
	n = read(ends[0], said, sizeof(said) - 1);
	said[n > 0 ? n : 0] = '\0';
	close(ends[0]);
	return said;
}

static void test_lines(void **state)
{
	(void)state;
	log_open("femtosnitch-test", 0);
	listen_to_stderr();
	errno = ENOENT;
	log_warn("%s: open", "/x");
	assert_int_equal(errno, ENOENT);
	log_warnx("warned");
	log_info("told");
	log_debug("hidden");
	log_open("t", 1);
	log_debug("shown");
	assert_string_equal(heard(), "femtosnitch-test: /x: open: No such file or directory\n"
				     "femtosnitch-test: warned\nfemtosnitch-test: told\nt: shown\n");
}

static void test_hostile(void **state)
{
	(void)state;
	log_open("t", 0);
	listen_to_stderr();
	log_warnx("%s", "a\nt: forged\r\x1b[2J\x7f\xff\xc2\x9b \xe2\x80\xae \xc3\xa9 \xe2\x82\xac");
	assert_string_equal(heard(),
			    "t: a\\x0at: forged\\x0d\\x1b[2J\\x7f\\xff\\xc2\\x9b \\xe2\\x80\\xae \xc3\xa9 "
			    "\xe2\x82\xac\n");
}

static void test_long(void **state)
{
	char *text = malloc(10000);
	size_t len;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', 9999);
	text[9999] = '\0';
	log_open("t", 0);
	listen_to_stderr();
	log_warnx("%s", text);
	len = strlen(heard());
	assert_in_range(len, 4000, 4096);
	assert_string_equal(said + len - 4, "...\n");
	memset(text, '\n', 9999);
	listen_to_stderr();
	log_warnx("%s", text);
	len = strlen(heard());
	assert_in_range(len, 4000, 4096);
	assert_ptr_equal(strchr(said, '\n'), said + len - 1);
	assert_string_equal(said + len - 8, "\\x0a...\n");
	free(text);
}

static void test_journal(void **state)
{
	struct stat st;
	char stream[64];

	(void)state;
	listen_to_stderr();
	assert_int_equal(fstat(2, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_open("t", 1);
	log_warnx("a");
	log_info("b");
	log_debug("c");
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_open("t", 0);
	log_info("d");
	unsetenv("JOURNAL_STREAM");
	assert_string_equal(heard(), "<4>t: a\n<6>t: b\n<7>t: c\nt: d\n");
	log_open("t", 0);
}

static void test_fatal(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	log_open("t", 0);
	listen_to_stderr();
	pid = fork();
	if (pid == 0) {
		errno = EACCES;
		fatal("x");
	}
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	assert_string_equal(heard(), "t: x: Permission denied\n");
}

static void test_lengths(void **state)
{
	static const struct {
		const char *text;
		size_t len, want;
	} table[] = {
		{"", 0, 0},
		{"a", 1, 1},
		{"\0", 1, 1},
		{"\x7f", 1, 1},
		{"\x80", 1, 0},
		{"\xc0\x80", 2, 0},
		{"\xc1\xbf", 2, 0},
		{"\xc2\x80", 2, 2},
		{"\xc2", 1, 0},
		{"\xc2\x41", 2, 0},
		{"\xe0\x9f\xbf", 3, 0},
		{"\xe0\xa0\x80", 3, 3},
		{"\xed\x9f\xbf", 3, 3},
		{"\xed\xa0\x80", 3, 0},
		{"\xef\xbf\xbf", 3, 3},
		{"\xe2\x82", 2, 0},
		{"\xe2\x82\x41", 3, 0},
		{"\xf0\x8f\xbf\xbf", 4, 0},
		{"\xf0\x90\x80\x80", 4, 4},
		{"\xf4\x8f\xbf\xbf", 4, 4},
		{"\xf4\x90\x80\x80", 4, 0},
		{"\xf5\x80\x80\x80", 4, 0},
		{"\xf0\x9f\x98", 3, 0},
		{"\xff", 1, 0},
	};
	uint32_t c = 0;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (utf8_length(table[i].text, table[i].len) != table[i].want)
			fail_msg("row %zu", i);
	assert_int_equal(utf8_decode("\xe2\x82\xac", 3, &c), 3);
	assert_int_equal(c, 0x20ac);
	assert_int_equal(utf8_decode("\xf4\x8f\xbf\xbf", 4, &c), 4);
	assert_int_equal(c, 0x10ffff);
	assert_int_equal(utf8_decode("\xff", 1, &c), 0);
	assert_int_equal(c, 0x10ffff);
	assert_int_equal(utf8_valid_until("a\xe2\x82\xac\xff", 5), 4);
	assert_int_equal(utf8_valid_until("abc", 3), 3);
}

/* Whatever room there is: ended, within it, only whole characters, and "..." when something is missing. */
static void test_escape_room(void **state)
{
	static const char text[] = "ab\n\xe2\x82\xac\xff!";
	static const char whole[] = "ab\\x0a\xe2\x82\xac\\xff!";
	char buf[64];
	size_t size, n;

	(void)state;
	for (size = 4; size < sizeof(buf) - 1; size++) {
		memset(buf, 'Z', sizeof(buf));
		n = utf8_escape(buf, size, text, sizeof(text) - 1);
		assert_true(n < size);
		assert_int_equal(strlen(buf), n);
		assert_int_equal(buf[size], 'Z');
		if (size >= sizeof(whole)) {
			assert_string_equal(buf, whole);
		} else {
			assert_string_equal(buf + n - 3, "...");
			assert_memory_equal(buf, whole, n - 3);
			assert_int_equal(utf8_valid_until(buf, n), n);
		}
	}
	assert_int_equal(utf8_escape(buf, 4, "", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),	    cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_long),	    cmocka_unit_test(test_journal),
		cmocka_unit_test(test_fatal),	    cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_escape_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
