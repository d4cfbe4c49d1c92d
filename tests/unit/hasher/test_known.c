// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_known.c - digests of earlier runs: found for the very same inode only, not after a reboot that may
 * have lost bytes, not from a damaged file, and not without end.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "hasher/known.h"

#define FILESYSTEM 0x1234567890abcdefull

static char dir[64], boot[96], file[96];
static __u8 sha256[WIRE_SHA256_SIZE], got[WIRE_SHA256_SIZE];

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static struct wire_file a_file(__u64 ino)
{
	static time_t written;

	if (!written)
		written = time(NULL) - 10;
	return (struct wire_file){.ino = ino,
				  .size_bytes = 100,
				  .ctime_s = written,
				  .mtime_s = 1000,
				  .ctime_ns = 5,
				  .mtime_ns = 6,
				  .dev = 8 << 20 | 1,
				  .generation = 7};
}

static struct known *fresh(void)
{
	unlink(file);
	return known_open(dir, boot);
}

static struct known *again(struct known *k)
{
	known_close(k);
	k = known_open(dir, boot);
	assert_non_null(k);
	return k;
}

/* Each thing that is compared, changed alone, makes it another file. */
static void the_same_inode_only(void **state)
{
	struct known *k = fresh();
	struct wire_file f = a_file(1), g;

	(void)state;
	memset(sha256, 0xab, sizeof(sha256));
	assert_false(known_find(k, FILESYSTEM, &f, got));
	known_add(k, FILESYSTEM, &f, sha256);
	k = again(k);
	assert_true(known_find(k, FILESYSTEM, &f, got));
	assert_memory_equal(got, sha256, sizeof(got));
	assert_false(known_find(k, FILESYSTEM + 1, &f, got));
	assert_false(known_find(k, 0, &f, got));
#define OTHER(member)                                                                                        \
	g = f;                                                                                               \
	g.member++;                                                                                          \
	assert_false(known_find(k, FILESYSTEM, &g, got))
	OTHER(ino);
	OTHER(size_bytes);
	OTHER(ctime_s);
	OTHER(ctime_ns);
	OTHER(mtime_s);
	OTHER(mtime_ns);
	OTHER(generation);
	g = f;
	g.dev++; /* btrfs and others have another number after each boot */
	assert_true(known_find(k, FILESYSTEM, &g, got));
	known_close(k);
}

/* No number of the filesystem: nothing is remembered. */
static void nothing_that_can_be_forged(void **state)
{
	struct known *k = fresh();
	struct wire_file f = a_file(1);

	(void)state;
	known_add(k, 0, &f, sha256);
	assert_false(known_find(k, 0, &f, got));
	known_close(k);
}

/* A file written just before it was hashed may have lost bytes in a crash, and kept its times. */
static void another_boot(void **state)
{
	struct known *k = fresh();
	struct wire_file hot = a_file(1), settled = a_file(2);

	(void)state;
	settled.ctime_s -= KNOWN_SETTLED_S;
	known_add(k, FILESYSTEM, &hot, sha256);
	known_add(k, FILESYSTEM, &settled, sha256);
	assert_true(known_find(k, FILESYSTEM, &hot, got));
	write_text(boot, "another boot\n");
	k = again(k);
	assert_false(known_find(k, FILESYSTEM, &hot, got));
	assert_true(known_find(k, FILESYSTEM, &settled, got));
	known_add(k, FILESYSTEM, &hot, sha256); /* hashed anew */
	assert_true(known_find(k, FILESYSTEM, &hot, got));
	known_close(k);
	write_text(boot, "");
	k = again(NULL); /* not known which boot it is: as if each were another */
	known_add(k, FILESYSTEM, &hot, sha256);
	assert_false(known_find(k, FILESYSTEM, &hot, got));
	known_close(k);
	write_text(boot, "a boot\n");
}

static void newer_version(void **state)
{
	struct known *k = fresh();
	struct wire_file f = a_file(1), g = f;

	(void)state;
	g.ctime_ns++;
	known_add(k, FILESYSTEM, &f, sha256);
	known_add(k, FILESYSTEM, &g, sha256);
	assert_true(known_find(k, FILESYSTEM, &g, got));
	assert_false(known_find(k, FILESYSTEM, &f, got));
	known_close(k);
}

static void unmounted(void **state)
{
	struct known *k = fresh();
	struct wire_file f = a_file(1), g = a_file(2);

	(void)state;
	g.dev++;
	known_add(k, FILESYSTEM, &f, sha256);
	known_add(k, FILESYSTEM, &g, sha256);
	known_forget_dev(k, f.dev);
	assert_false(known_find(k, FILESYSTEM, &f, got));
	assert_true(known_find(k, FILESYSTEM, &g, got));
	known_close(k);
}

/* Each byte of the file flipped alone: the right digest or none. */
static void damaged(void **state)
{
	struct known *k = fresh();
	struct wire_file f = a_file(1);
	off_t at, begin = 0;
	unsigned char byte;
	int fd, found = 0;

	(void)state;
	known_add(k, FILESYSTEM, &f, sha256);
	fd = open(file, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	for (at = 4096; !begin; at += 128) { /* entries are 128 bytes */
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		if (byte)
			begin = at;
	}
	for (at = begin; at < begin + 120; at++) {
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		found += known_find(k, FILESYSTEM, &f, got);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	assert_int_equal(found, 0);
	assert_true(known_find(k, FILESYSTEM, &f, got));
	known_close(k);
	assert_int_equal(pwrite(fd, "x", 1, 0), 1); /* of another version: begun anew */
	k = again(NULL);
	assert_false(known_find(k, FILESYSTEM, &f, got));
	known_add(k, FILESYSTEM, &f, sha256);
	assert_int_equal(ftruncate(fd, 5000), 0);
	assert_false(known_find(k, FILESYSTEM, &f, got));
	k = again(k);
	known_add(k, FILESYSTEM, &f, sha256);
	assert_true(known_find(k, FILESYSTEM, &f, got));
	close(fd);
	known_close(k);
}

/* More than it holds: the file does not grow, and nearly all the newest are there. */
static void bounded(void **state)
{
	const unsigned n = KNOWN_FILES + KNOWN_FILES / 2;
	struct known *k = fresh();
	unsigned i, found = 0;
	struct stat before, after;
	struct wire_file f;

	(void)state;
	assert_int_equal(stat(file, &before), 0);
	for (i = 1; i <= n; i++) {
		f = a_file(i);
		memcpy(sha256, &i, sizeof(i));
		known_add(k, FILESYSTEM, &f, sha256);
	}
	assert_int_equal(stat(file, &after), 0);
	assert_int_equal(before.st_size, after.st_size);
	for (i = 1; i <= n; i++) {
		f = a_file(i);
		if (!known_find(k, FILESYSTEM, &f, got))
			continue;
		assert_memory_equal(got, &i, sizeof(i));
		found++;
	}
	assert_in_range(found, KNOWN_FILES * 9 / 10, KNOWN_FILES);
	known_close(k);
}

/* Not through a link that somebody laid, and no trouble for the rest if there is no file. */
static void not_a_link(void **state)
{
	struct wire_file f = a_file(1);

	(void)state;
	unlink(file);
	assert_int_equal(symlink("/dev/null", file), 0);
	assert_null(known_open(dir, boot));
	unlink(file);
	assert_null(known_open("/nonexistent", boot));
	known_add(NULL, FILESYSTEM, &f, sha256);
	assert_false(known_find(NULL, FILESYSTEM, &f, got));
	known_forget_dev(NULL, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_inode_only),
		cmocka_unit_test(nothing_that_can_be_forged),
		cmocka_unit_test(another_boot),
		cmocka_unit_test(newer_version),
		cmocka_unit_test(unmounted),
		cmocka_unit_test(damaged),
		cmocka_unit_test(bounded),
		cmocka_unit_test(not_a_link),
	};
	int rc;

	strcpy(dir, "/tmp/femtosnitch-known-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	snprintf(boot, sizeof(boot), "%s/boot", dir);
	snprintf(file, sizeof(file), "%s/hashes", dir);
	write_text(boot, "a boot\n");
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(boot);
	unlink(file);
	rmdir(dir);
	return rc;
}
