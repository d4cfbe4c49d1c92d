// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_source.c - a file is given out only as long as it is the one whose SHA-256 was asked for: one that is
 * written to meanwhile never comes to its end.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/sha.h>

#include <cmocka.h>

#include "store/virustotal/source.h"

#define SIZE 300000

static char path[64];
static uint8_t bytes[SIZE], sum[WIRE_SHA256_SIZE];

static int before(void **state)
{
	int fd;
	size_t i;

	(void)state;
	for (i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	SHA256(bytes, SIZE, sum);
	snprintf(path, sizeof(path), "/tmp/femtosnitch-source-XXXXXX");
	fd = mkstemp(path);
	assert_int_equal(write(fd, bytes, SIZE), SIZE);
	return close(fd);
}

static int after(void **state)
{
	(void)state;
	return unlink(path);
}

static struct source *open_it(const char **why)
{
	return source_open(open(path, O_RDONLY | O_CLOEXEC), sum, why);
}

/* Bytes that came, -1 at the end if it was refused. */
static ssize_t drain(struct source *s, size_t piece)
{
	static uint8_t got[SIZE];
	ssize_t n, all = 0;

	while ((n = source_read(s, got, piece)) > 0) {
		assert_memory_equal(got, bytes + all, n);
		all += n;
	}
	return n < 0 ? -1 : all;
}

static void test_whole(void **state)
{
	const char *why = NULL;
	struct source *s = open_it(&why);

	(void)state;
	assert_non_null(s);
	assert_null(why);
	assert_int_equal(source_size(s), SIZE);
	assert_int_equal(drain(s, 4097), SIZE);
	source_close(s);
}

static void change(off_t at)
{
	int fd = open(path, O_WRONLY);

	usleep(20000); /* a tick of the clock of files */
	assert_int_equal(pwrite(fd, "x", 1, at), 1);
	close(fd);
}

static void test_another(void **state)
{
	const char *why = NULL;

	(void)state;
	change(SIZE - 1);
	assert_null(open_it(&why));
	assert_string_equal(why, "the file there is not the one that ran");
	assert_int_equal(truncate(path, 0), 0);
	assert_null(open_it(&why));
	assert_string_equal(why, "it is empty");
	assert_null(source_open(open("/dev/zero", O_RDONLY), sum, &why));
	assert_string_equal(why, "it is no file");
}

static void test_written_meanwhile(void **state)
{
	uint8_t piece[1000];
	const char *why = NULL;
	struct source *s = open_it(&why);

	(void)state;
	assert_int_equal(source_read(s, piece, sizeof(piece)), 1000);
	change(SIZE / 2);
	assert_int_equal(source_read(s, piece, sizeof(piece)), -1);
	source_close(s);
}

static void test_cut_meanwhile(void **state)
{
	const char *why = NULL;
	struct source *s = open_it(&why);

	(void)state;
	assert_int_equal(truncate(path, SIZE / 2), 0);
	assert_int_equal(drain(s, 65536), -1);
	source_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whole, before, after),
		cmocka_unit_test_setup_teardown(test_another, before, after),
		cmocka_unit_test_setup_teardown(test_written_meanwhile, before, after),
		cmocka_unit_test_setup_teardown(test_cut_meanwhile, before, after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
