// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_line.c - lines of every length around the bound: what is too long is skipped whole, and nothing behind
 * it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hasher/line.h"

/* "before\n", len letters and the end, "behind"; how many lines come out, the last in line. */
static unsigned lines(size_t len, const char *end, struct line *line)
{
	char *text = NULL, *last = NULL, *next;
	size_t size = 0, i;
	FILE *file = open_memstream(&text, &size);
	unsigned n = 0;

	fputs("before\n", file);
	for (i = 0; i < len; i++)
		putc('x', file);
	fputs(end, file);
	fclose(file);
	file = fmemopen(text, size, "r");
	while ((next = line_next(file, line)) != NULL) {
		last = next;
		n++;
	}
	assert_non_null(last);
	fclose(file);
	free(text);
	return n;
}

static void around_the_bound(void **state)
{
	static struct line line;
	size_t len;

	(void)state;
	for (len = LINE_MAX_BYTES - 4; len < 4 * LINE_MAX_BYTES;
	     len += len % LINE_MAX_BYTES == 4 ? LINE_MAX_BYTES - 8 : 1) {
		bool fits = len + 1 < LINE_MAX_BYTES; /* with its end */

		assert_int_equal(lines(len, "\nbehind\n", &line), fits ? 3 : 2);
		assert_string_equal(line.text, "behind");
		assert_int_equal(lines(len, "\nbehind", &line), fits ? 3 : 2);
		assert_string_equal(line.text, "behind");
	}
}

static void without_an_end(void **state)
{
	static struct line line;

	(void)state;
	assert_int_equal(lines(LINE_MAX_BYTES - 2, "", &line), 2);
	assert_int_equal(strlen(line.text), LINE_MAX_BYTES - 2);
	assert_int_equal(lines(5 * LINE_MAX_BYTES, "", &line), 1);
}

static void nothing(void **state)
{
	static struct line line;
	char empty[1] = "";
	FILE *file = fmemopen(empty, 1, "r");

	(void)state;
	getc(file); /* the NUL that fmemopen() needs */
	assert_null(line_next(file, &line));
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(around_the_bound),
		cmocka_unit_test(without_an_end),
		cmocka_unit_test(nothing),
	};

	return cmocka_run_group_tests_name("hasher line", tests, NULL, NULL);
}
