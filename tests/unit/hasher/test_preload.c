// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_preload.c - what counts as something in /etc/ld.so.preload, and for whom.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "hasher/preload.h"

static void contents(void **state)
{
	static const struct {
		const char *text;
		bool active;
	} files[] = {
		{"", false},	 {"\n  \n", false},	 {"# nothing\n", false}, {"#a\n#b", false},
		{"/x.so", true}, {"# x\n/x.so\n", true}, {" :/x.so", true},	 {"#", false},
	};
	char root[] = "/tmp/femtosnitch-preload-XXXXXX", path[64];
	size_t i;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(root));
	assert_false(preload_in(root));
	snprintf(path, sizeof(path), "%s/etc", root);
	assert_int_equal(mkdir(path, 0755), 0);
	strcat(path, "/ld.so.preload");
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(files[i].text, f);
		fclose(f);
		assert_int_equal(preload_in(root), files[i].active);
	}
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	rmdir(root);
}

static void only_in_that_root(void **state)
{
	struct preload p = {.looked_ms = 1000, .active = true, .mntns = 7, .root_ino = 2};
	struct wire_exec exec = {.mntns = 7, .root_ino = 2};

	(void)state;
	assert_true(preload_image(&p, &exec, 1500));
	exec.root_ino = 3;
	assert_false(preload_image(&p, &exec, 1500));
	exec.root_ino = 2;
	exec.mntns = 8;
	assert_false(preload_image(&p, &exec, 1500));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contents),
		cmocka_unit_test(only_in_that_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
