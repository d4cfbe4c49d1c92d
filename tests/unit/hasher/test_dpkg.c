// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_dpkg.c - a package database made here: whose a path is, which version, which sum, and what broken
 * files do.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
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

#include "hasher/dpkg.h"
#include "hasher/wanted.h"

static char root[64];

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/var/lib/dpkg/%s", root, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static struct package_file *ask(const char *path, struct package_file *next)
{
	struct package_file *f = calloc(1, sizeof(*f) + strlen(path) + 1);

	strcpy(f->path, path);
	f->next = next;
	return f;
}

static int make(void **state)
{
	char path[128];

	(void)state;
	strcpy(root, "/tmp/femtosnitch-dpkg-XXXXXX");
	assert_non_null(mkdtemp(root));
	snprintf(path, sizeof(path), "mkdir -p %s/var/lib/dpkg/info", root);
	assert_int_equal(system(path), 0);
	write_file("info/curl.list", "/.\n/usr\n/usr/bin\n/usr/bin/curl\n");
	write_file("info/curl.md5sums", "00112233445566778899aabbccddeeff  usr/bin/curl\n");
	write_file("info/libx1:amd64.list", "/usr/lib/x/tool\n");
	write_file("info/libx1:amd64.md5sums", "0f112233445566778899aabbccddeeff  usr/lib/x/tool\n");
	write_file("info/bash.list", "/bin/bash"); /* before the directories were merged; no end of line */
	write_file("info/bash.md5sums", "short\nzz112233445566778899aabbccddeeff  bin/bash\n"
					"ff112233445566778899aabbccddeeff  bin/bash\n");
	write_file("info/bare.list", "/opt/a b\n");
	write_file("info/other.conffiles", "/usr/bin/nobody\n");
	write_file("status",
		   "Package: curl\nStatus: install ok installed\nVersion: 8.5-1\n\n"
		   "Package: libx1\nArchitecture: amd64\nVersion: 2:1.0\n\nPackage: bash\nVersion: 5\n");
	return 0;
}

static int tear_down(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

static void owners(void **state)
{
	struct package_file *bare = ask("/opt/a b", NULL);
	struct package_file *nobody = ask("/usr/bin/nobody", bare), *bash = ask("/usr/bin/bash", nobody);
	struct package_file *tool = ask("/usr/lib/x/tool", bash), *curl = ask("/usr/bin/curl", tool), *f,
			    *next;

	(void)state;
	dpkg_find(root, curl);
	assert_string_equal(curl->manager, "dpkg");
	assert_string_equal(curl->name, "curl");
	assert_string_equal(curl->version, "8.5-1");
	assert_int_equal(curl->digest_size, 16);
	assert_memory_equal(curl->digest, "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff",
			    16);
	assert_string_equal(tool->name, "libx1");
	assert_string_equal(tool->version, "2:1.0");
	assert_int_equal(tool->digest[0], 0x0f);
	assert_string_equal(bash->name, "bash");
	assert_int_equal(bash->digest[0], 0xff);
	assert_null(nobody->manager);
	assert_int_equal(nobody->digest_size, 0);
	assert_string_equal(bare->name, "bare");
	assert_string_equal(bare->version, "");
	assert_int_equal(bare->digest_size, 0);
	for (f = curl; f; f = next) {
		next = f->next;
		free(f);
	}
}

/* As many as a look takes, each its own answer. */
static void many(void **state)
{
	struct package_file *first = NULL, *f, *next;
	static char list[8192];
	char path[64];
	unsigned i;

	(void)state;
	for (i = 0; i < WANTED_MAX; i++) {
		snprintf(path, sizeof(path), "/usr/bin/many%u", i);
		first = ask(path, first);
		if (i % 2)
			sprintf(list + strlen(list), "%s\n", path);
	}
	write_file("info/many.list", list);
	dpkg_find(root, first);
	for (f = first; f; f = next) {
		assert_int_equal(f->manager != NULL, atoi(f->path + strlen("/usr/bin/many")) % 2);
		next = f->next;
		free(f);
	}
}

static void none(void **state)
{
	struct package_file *f = ask("/usr/bin/curl", NULL);

	(void)state;
	dpkg_find("/nonexistent", f);
	assert_null(f->manager);
	assert_false(dpkg_works("/nonexistent"));
	free(f);
}

static void at_work(void **state)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int ready[2], fd;
	char path[128], c;
	pid_t pid;

	(void)state;
	write_file("lock", "");
	assert_false(dpkg_works(root));
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		snprintf(path, sizeof(path), "%s/var/lib/dpkg/lock", root);
		fd = open(path, O_RDWR);
		_exit(fcntl(fd, F_SETLK, &lock) || write(ready[1], "", 1) != 1 || pause());
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_true(dpkg_works(root));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_false(dpkg_works(root));
	close(ready[0]);
	close(ready[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owners),
		cmocka_unit_test(many),
		cmocka_unit_test(none),
		cmocka_unit_test(at_work),
	};

	return cmocka_run_group_tests_name("dpkg", tests, make, tear_down);
}
