// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_opened.c - which of the scripts that a process was given to execute a record stands for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hasher/opened.h"

static struct opened *o;
static struct {
	struct wire_exec exec;
	char text[1024];
} record;

static int before(void **state)
{
	(void)state;
	o = opened_new(4);
	return o ? 0 : -1;
}

static int after(void **state)
{
	(void)state;
	opened_free(o);
	return 0;
}

/* The command line is one string, its arguments parted by blanks. */
static __u64 find(unsigned tgid, unsigned exec_id, unsigned flags, const char *command)
{
	struct opened_file file = {0};
	size_t len = strlen(command) + 1, i;

	memset(&record, 0, sizeof(record));
	record.exec.image.tgid = tgid;
	record.exec.image.exec_id = exec_id;
	record.exec.flags = flags;
	record.exec.argv_len = (__u16)len;
	for (i = 0; i < len; i++)
		record.text[i] = command[i] == ' ' ? '\0' : command[i];
	return opened_find(o, &record.exec, &file) ? file.file_id : 0;
}

static __u64 executed(unsigned tgid, const char *command)
{
	return find(tgid, 1, WIRE_EXEC_SCRIPT, command);
}

static void by_name(void **state)
{
	(void)state;
	opened_add(o, 7, 1, "/a/x.sh", 0);
	opened_add(o, 7, 2, "/b/x.sh", 0);
	opened_add(o, 8, 3, "/b/x.sh", 0);
	assert_int_equal(executed(7, "/bin/sh /b/x.sh"), 2);
	assert_int_equal(executed(7, "/bin/sh -e /a/x.sh b"), 1);
	assert_int_equal(executed(7, "/bin/sh ../a/./x.sh"),
			 0); /* not as it is written: two could be meant */
	assert_int_equal(executed(7, "/bin/sh ../../a/x.sh"), 1);
	assert_int_equal(executed(8, "/bin/sh ./x.sh"), 3);
	assert_int_equal(executed(9, "/bin/sh /a/x.sh"), 0);
}

/* Each record takes the next; one event may stand for several. */
static void in_order(void **state)
{
	(void)state;
	opened_add(o, 7, 1, "/a/x.sh", 0);
	opened_add(o, 7, 2, "/b/x.sh", 0);
	assert_int_equal(executed(7, "/bin/sh ./x.sh"), 1);
	assert_int_equal(executed(7, "/bin/sh ./x.sh"), 2);
	assert_int_equal(executed(7, "/bin/sh ./x.sh"), 2);
}

/* A link has another name: certain if there is nothing else. */
static void by_link(void **state)
{
	(void)state;
	opened_add(o, 7, 1, "/a/x.py", 0);
	assert_int_equal(executed(7, "/bin/sh /bin/x"), 1);
	opened_add(o, 7, 2, "/a/y.py", 0);
	assert_int_equal(executed(7, "/bin/sh /bin/x"), 0);
}

static void only_what_was_executed(void **state)
{
	(void)state;
	opened_add(o, 7, 1, "/a/x.sh", 0);
	assert_int_equal(find(7, 1, 0, "sh /a/x.sh"), 0);
}

static void behind_env(void **state)
{
	(void)state;
	opened_add(o, 7, 1, "/a/x.py", 0);
	assert_int_equal(find(7, 4, WIRE_EXEC_SCRIPT, "/usr/bin/env python3 ./x.py"), 1);
	assert_int_equal(find(7, 5, 0, "python3 ./x.py"), 1);
	assert_int_equal(find(7, 6, 0, "python3 ./x.py"), 0);
	opened_add(o, 8, 2, "/a/x.sh", 0);
	assert_int_equal(find(8, 4, WIRE_EXEC_SCRIPT, "/bin/sh ./x.sh"), 2);
	assert_int_equal(find(8, 5, 0, "python3 ./x.sh"), 0);
}

static void bounds(void **state)
{
	unsigned i;

	(void)state;
	for (i = 1; i <= 6; i++)
		opened_add(o, i, i, "/a/x", i * 1000);
	assert_int_equal(opened_count(o), 4);
	assert_int_equal(executed(2, "sh /a/x"), 0);
	assert_int_equal(executed(3, "sh /a/x"), 3);
	opened_exit(o, 3);
	assert_int_equal(executed(3, "sh /a/x"), 0);
	opened_expire(o, 4000 + OPENED_KEEP_MS + 1);
	assert_int_equal(opened_count(o), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(by_name, before, after),
		cmocka_unit_test_setup_teardown(in_order, before, after),
		cmocka_unit_test_setup_teardown(by_link, before, after),
		cmocka_unit_test_setup_teardown(only_what_was_executed, before, after),
		cmocka_unit_test_setup_teardown(behind_env, before, after),
		cmocka_unit_test_setup_teardown(bounds, before, after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
