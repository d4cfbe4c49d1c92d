// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_report.c - what `status` says of the interfaces: a share with its error, below zero where it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/report.h"

static char *printed(const struct wire_interfaces *in)
{
	struct report r = {0};
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	if (in)
		report_interfaces(&r, in);
	report_print(&r, f);
	fclose(f);
	report_free(&r);
	return text;
}

static void says(const struct wire_interfaces *in, const char *line)
{
	char *text = printed(in);

	if (!strstr(text, line))
		fail_msg("wanted \"%s\", got: %s", line, text);
	free(text);
}

static void the_share_and_its_error(void **state)
{
	struct wire_interfaces in = {
		.to_ns = 1795294800000000000,
		.covered_ms = (23 * 60 + 59) * 60000ull,
		.sent_bytes = 200000000,
		.received_bytes = 800000000,
		.packets = 1000000,
		.header_bytes = 66000000,
		.program_sent = 150000000,
		.program_received = 750000000,
	};

	(void)state;
	says(&in, "traffic of interfaces: 1.00 GB in 23 h 59 min until 2026-11-21T21:00:00Z\n");
	says(&in, "traffic of programs over them: 900 MB, and headers of about 66.0 MB\n");
	says(&in,
	     "traffic without a program: 34.0 MB, 3.4 % (an estimate, between 1.4 and 5.8 %): sent again");
	in.covered_ms = 90000;
	says(&in, "in 90 s until");
}

static void below_zero_is_said(void **state)
{
	struct wire_interfaces in = {
		.to_ns = 1, .sent_bytes = 100000, .packets = 10, .header_bytes = 660, .program_sent = 120000};

	(void)state;
	says(&in, "traffic without a program: -20.7 kB, -20.7 % (an estimate, between -20.9 and -20.4 %): "
		  "below zero");
	in.program_sent = 99500; /* zero is within the error */
	says(&in, "-160 B, -0.2 % (an estimate, between -0.4 and 0.1 %): sent again");
}

static void nothing_known_is_not_said(void **state)
{
	struct wire_interfaces none = {.to_ns = 1};
	char *text = printed(NULL);

	(void)state;
	assert_null(strstr(text, "traffic"));
	free(text);
	says(&none, "traffic of interfaces: 0 B in 0 s");
	text = printed(&none);
	assert_null(strstr(text, "without"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_share_and_its_error),
		cmocka_unit_test(below_zero_is_said),
		cmocka_unit_test(nothing_known_is_not_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
