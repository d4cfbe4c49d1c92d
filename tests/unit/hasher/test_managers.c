// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_managers.c - databases of pacman, apk and rpm (ndb) made here: whose a path is, which version, which
 * digest, and that each of them cut at any byte is read to its end.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "hasher/apk.h"
#include "hasher/held.h"
#include "hasher/pacman.h"
#include "hasher/rpm.h"
#include "hasher/rpmdb/match.h"
#include "hasher/wanted.h"

#define SHA1_HEX "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"
#define SHA256_HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef1"

static char root[64], beside[4096]; /* a link to the program that reads rpm's database */

static void run(const char *format)
{
	char command[256];

	snprintf(command, sizeof(command), format, root);
	assert_int_equal(system(command), 0);
}

static void write_file(const char *name, const void *bytes, size_t len)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

static struct package_file *ask(const char *path, struct package_file *next)
{
	struct package_file *f = calloc(1, sizeof(*f) + strlen(path) + 1);

	strcpy(f->path, path);
	f->next = next;
	return f;
}

static void forget(struct package_file *f)
{
	struct package_file *next;

	for (; f; f = next) {
		next = f->next;
		free(f);
	}
}

static void is(const struct package_file *f, const char *manager, const char *name, const char *version,
	       unsigned kind)
{
	assert_non_null(f->manager);
	assert_string_equal(f->manager, manager);
	assert_string_equal(f->name, name);
	assert_string_equal(f->version, version);
	assert_int_equal(f->digest_kind, kind);
}

/* Where the hasher would look for it: in the directory of who asks. */
static void put_program_beside(void)
{
	char program[sizeof(beside)] = "";

	assert_true(readlink("/proc/self/exe", program, sizeof(program) - 1) > 0);
	strcpy(strrchr(program, '/'), "/femtosnitch-rpmdb");
	strcpy(beside, program);
	strcpy(strstr(program, "/tests/unit/"), "/femtosnitch-rpmdb");
	unlink(beside);
	assert_int_equal(symlink(program, beside), 0);
}

static int make(void **state)
{
	(void)state;
	put_program_beside();
	signal(SIGPIPE, SIG_IGN);
	strcpy(root, "/tmp/femtosnitch-managers-XXXXXX");
	assert_non_null(mkdtemp(root));
	run("cd %s && mkdir -p var/lib/pacman/local/curl-8.5-1 var/lib/pacman/local/zsh-5-2 lib/apk/db "
	    "run/apk "
	    "var/lib/rpm usr/bin && ln -s bin usr/sbin");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(beside);
	run("rm -r %s");
	return 0;
}

/* ---- pacman */

static const char pacman_files[] = "%FILES%\nusr/\nusr/bin/\nusr/bin/curl\nusr/bin/sp ace\n\n%BACKUP%\n"
				   "usr/bin/nobody\t0123\n";
static const char mtree[] =
	"#mtree\n/set type=file uid=0 gid=0 mode=644\n./.PKGINFO time=1.0 size=3 sha256digest=" SHA256_HEX
	"\n"
	"./usr/bin time=1.0 mode=755 type=dir\n"
	"./usr/bin/curl time=1.0 mode=755 size=9 md5digest=0123456789abcdef0123456789abcdef "
	"sha256digest=" SHA256_HEX "\n./usr/bin/sp\\040ace mode=755 sha256digest=" SHA256_HEX "\n"
	"./usr/bin/zsh sha256digest=" SHA256_HEX "\n";

/* Its bytes, compressed. */
static size_t compressed(const char *text, uint8_t *to, size_t size)
{
	z_stream z = {0};

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)text;
	z.avail_in = (uInt)strlen(text);
	z.next_out = to;
	z.avail_out = (uInt)size;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static void make_pacman(void)
{
	static const char desc[] = "%NAME%\ncurl\n\n%VERSION%\n8.5-1\n\n%BASE%\nother\n";
	uint8_t bytes[4096];
	size_t len = compressed(mtree, bytes, sizeof(bytes));

	write_file("var/lib/pacman/local/curl-8.5-1/desc", desc, strlen(desc));
	write_file("var/lib/pacman/local/curl-8.5-1/files", pacman_files, strlen(pacman_files));
	write_file("var/lib/pacman/local/curl-8.5-1/mtree", bytes, len);
	write_file("var/lib/pacman/local/ALPM_DB_VERSION", "9\n", 2);
	write_file("var/lib/pacman/local/zsh-5-2/files", "%FILES%\nusr/bin/zsh\n", 20);
}

static void pacman_owners(void **state)
{
	struct package_file *nobody = ask("/usr/bin/nobody", NULL), *zsh = ask("/usr/bin/zsh", nobody);
	struct package_file *space = ask("/usr/bin/sp ace", zsh), *curl = ask("/usr/bin/curl", space);

	(void)state;
	make_pacman();
	pacman_find(root, curl);
	is(curl, "pacman", "curl", "8.5-1", PACKAGE_DIGEST_SHA256);
	assert_int_equal(curl->digest[0], 0);
	assert_int_equal(curl->digest[31], 0xf1);
	is(space, "pacman", "curl", "8.5-1", PACKAGE_DIGEST_SHA256);
	/* without desc and mtree of its own; what another package's mtree says of its path is not for it */
	is(zsh, "pacman", "zsh-5-2", "", PACKAGE_DIGEST_NONE);
	assert_null(nobody->manager);
	forget(curl);
}

static void pacman_at_work(void **state)
{
	(void)state;
	assert_false(pacman_works(root));
	write_file("var/lib/pacman/db.lck", "", 0);
	assert_true(pacman_works(root));
	run("rm %s/var/lib/pacman/db.lck");
}

static void pacman_cut(void **state)
{
	struct package_file *f = ask("/usr/bin/curl", NULL);
	uint8_t bytes[4096];
	size_t len = compressed(mtree, bytes, sizeof(bytes)), i;

	(void)state;
	make_pacman();
	for (i = 0; i <= len; i++) {
		write_file("var/lib/pacman/local/curl-8.5-1/mtree", bytes, i);
		f->manager = NULL;
		f->digest_kind = PACKAGE_DIGEST_NONE;
		pacman_find(root, f);
		assert_non_null(f->manager);
	}
	assert_int_equal(f->digest_kind, PACKAGE_DIGEST_SHA256);
	for (i = 0; i <= strlen(pacman_files); i++) {
		write_file("var/lib/pacman/local/curl-8.5-1/files", pacman_files, i);
		f->manager = NULL;
		pacman_find(root, f);
	}
	forget(f);
}

/* ---- apk */

static const char installed[] =
	"C:Q1abc=\nP:busybox\nV:1.36.1-r5\nA:x86_64\nF:bin\nM:0:0:755\nR:busybox\na:0:0:755\n"
	"Z:Q1L9ThxnotKPzthJ7hu3bnORuT6xI=\nR:sh\nF:etc\nR:passwd\nZ:Q1AAAA\n\n"
	"P:curl\nV:8.5-r0\nF:usr/"
	"bin\nR:curl\nZ:Q2L9ThxnotKPzthJ7hu3bnORuT6xI=\nR:both\nZ:X0123\nF:\nR:top\n\n"
	"F:usr/bin\nR:nobody\n";

static void apk_owners(void **state)
{
	struct package_file *nobody = ask("/usr/bin/nobody", NULL), *both = ask("/usr/bin/both", nobody);
	struct package_file *top = ask("/top", both), *merged = ask("/usr/bin/sh", top);
	struct package_file *curl = ask("/usr/bin/curl", merged), *busybox = ask("/bin/busybox", curl);
	struct package_file expect;

	(void)state;
	write_file("lib/apk/db/installed", installed, strlen(installed));
	apk_find(root, busybox);
	is(busybox, "apk", "busybox", "1.36.1-r5", PACKAGE_DIGEST_SHA1);
	wanted_digest(&expect, PACKAGE_DIGEST_SHA1, SHA1_HEX);
	assert_int_equal(busybox->digest_size, 20);
	assert_memory_equal(busybox->digest, expect.digest, 20);
	is(curl, "apk", "curl", "8.5-r0", PACKAGE_DIGEST_SHA256);
	assert_int_equal(curl->digest_size, 20);
	is(merged, "apk", "busybox", "1.36.1-r5", PACKAGE_DIGEST_NONE);
	is(both, "apk", "curl", "8.5-r0", PACKAGE_DIGEST_NONE);
	is(top, "apk", "curl", "8.5-r0", PACKAGE_DIGEST_NONE);
	assert_null(nobody->manager);
	forget(busybox);
}

static void apk_at_work(void **state)
{
	char path[160];
	int fd;

	(void)state;
	assert_false(apk_works(root));
	snprintf(path, sizeof(path), "%s/run/apk/db.lock", root);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_false(apk_works(root));
	assert_int_equal(flock(fd, LOCK_SH), 0);
	assert_false(apk_works(root));
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_true(apk_works(root));
	close(fd);
	assert_false(apk_works(root));
}

static void apk_cut(void **state)
{
	struct package_file *f = ask("/bin/busybox", NULL);
	size_t i;

	(void)state;
	for (i = 0; i <= strlen(installed); i++) {
		write_file("lib/apk/db/installed", installed, i);
		f->manager = NULL;
		apk_find(root, f);
	}
	assert_non_null(f->manager);
	forget(f);
}

/* No line end for longer than any line. */
static void long_lines(void **state)
{
	struct package_file *f = ask("/bin/after", NULL);
	static char text[3 * 8192 + 64] = "P:a\nV:1\nF:";

	(void)state;
	memset(text + strlen(text), 'x', sizeof(text) - 64 - strlen(text));
	strcat(text, "\nF:bin\nR:after\n");
	write_file("lib/apk/db/installed", text, strlen(text));
	apk_find(root, f);
	is(f, "apk", "a", "1", PACKAGE_DIGEST_NONE);
	forget(f);
}

/* ---- rpm */

static void big(uint8_t **to, uint32_t value)
{
	int shift;

	for (shift = 24; shift >= 0; shift -= 8)
		*(*to)++ = (uint8_t)(value >> shift);
}

static void little(uint8_t *to, uint32_t value)
{
	int i;

	for (i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

/* Epoch 3, nobody-like: /usr/sbin/x (in a directory that is a link by now), /opt/y, /opt/z without a digest.
 */
static size_t make_header(uint8_t *to, uint32_t algorithm)
{
	static const struct {
		uint32_t tag, type, count;
		const char *data;
		size_t len;
	} tags[] = {
		{63, 7, 16, "0123456789abcdef", 16},
		{1000, 6, 1, "pack", 5},
		{1001, 6, 1, "1.0", 4},
		{1002, 6, 1, "2.fc40", 7},
		{1003, 4, 1, "\0\0\0\3", 4},
		{1035, 8, 3, SHA256_HEX "\0" SHA256_HEX "\0", 2 * 65 + 1},
		{1116, 4, 3, "\0\0\0\1\0\0\0\0\0\0\0\0", 12},
		{1117, 8, 3, "x\0y\0z", 6},
		{1118, 8, 2, NULL, 0},
		{5011, 4, 1, NULL, 4},
	};
	uint8_t data[1024], *at = to;
	size_t i, len = 0, n = sizeof(tags) / sizeof(tags[0]);

	big(&at, (uint32_t)n);
	at += 4;
	for (i = 0; i < n; i++) {
		big(&at, tags[i].tag);
		big(&at, tags[i].type);
		big(&at, (uint32_t)len);
		big(&at, tags[i].count);
		if (tags[i].tag == 1118)
			len += (size_t)sprintf((char *)data + len, "/opt/%c%s/usr/sbin/", 0, root) + 1;
		else if (tags[i].tag == 5011)
			memcpy(data + len, (uint8_t[]){0, 0, 0, (uint8_t)algorithm}, 4), len += 4;
		else
			memcpy(data + len, tags[i].data, tags[i].len), len += tags[i].len;
	}
	memcpy(at, data, len);
	at += len;
	to += 4;
	big(&to, (uint32_t)len);
	return (size_t)(at - to) + 8;
}

static size_t make_ndb(uint8_t *to, size_t size)
{
	const uint32_t at = 4096 + 64;
	size_t len = make_header(to + at + 16, 8);

	assert_true(at + 16 + len < size);
	memcpy(to, "RpmP", 4);
	little(to + 12, 1);
	memcpy(to + 32, "Slot", 4); /* free */
	memcpy(to + 48, "Slot", 4);
	little(to + 52, 7);
	little(to + 56, at / 16);
	little(to + 60, (uint32_t)(len / 16 + 3));
	memcpy(to + at, "BlbS", 4);
	little(to + at + 4, 7);
	little(to + at + 12, (uint32_t)len);
	return at + 16 + len;
}

static void rpm_owners(void **state)
{
	static uint8_t bytes[16384];
	char real[128];
	struct package_file *none = ask("/opt/none", NULL), *z = ask("/opt/z", none), *y = ask("/opt/y", z),
			    *x;

	(void)state;
	snprintf(real, sizeof(real), "%s/usr/bin/x", root);
	x = ask(real, y);
	rpm_find(root, x);
	assert_null(x->manager); /* no database yet */
	write_file("var/lib/rpm/Packages.db", bytes, make_ndb(bytes, sizeof(bytes)));
	rpm_find(root, x);
	is(x, "rpm", "pack", "3:1.0-2.fc40", PACKAGE_DIGEST_SHA256);
	assert_int_equal(x->digest[31], 0xf1);
	is(y, "rpm", "pack", "3:1.0-2.fc40", PACKAGE_DIGEST_SHA256);
	is(z, "rpm", "pack", "3:1.0-2.fc40", PACKAGE_DIGEST_NONE);
	assert_null(none->manager);
	x->manager = NULL;
	write_file("var/lib/rpm/Packages.db", bytes, 4500);
	rpm_find(root, x);
	assert_null(x->manager);
	write_file("var/lib/rpm/rpmdb.sqlite", "SQLite format 3", 16);
	rpm_find(root, x);
	assert_null(x->manager);
	forget(x);
}

static void rpm_header_cut(void **state)
{
	uint8_t bytes[2048];
	size_t len = make_header(bytes, 8), i;

	(void)state;
	for (i = 0; i <= len; i++) {
		struct matches m = {0};
		uint8_t *copy = malloc(i ? i : 1);

		memcpy(copy, bytes, i);
		assert_true(match_add(&m, "/opt/y"));
		match_sort(&m);
		match_header(&m, NULL, copy, i);
		assert_int_equal(m.match[0].found, i == len);
		free(copy);
	}
}

/* Each byte another: nothing but the answer may be wrong. */
static void rpm_header_broken(void **state)
{
	uint8_t bytes[2048];
	size_t len = make_header(bytes, 8), i;
	int bit;

	(void)state;
	for (i = 0; i < len; i++)
		for (bit = 0; bit < 8; bit++) {
			struct matches m = {0};

			bytes[i] ^= (uint8_t)(1 << bit);
			match_add(&m, "/opt/y");
			match_add(&m, "/opt/x");
			match_sort(&m);
			match_header(&m, NULL, bytes, len);
			bytes[i] ^= (uint8_t)(1 << bit);
		}
}

/* As long as a SHA-256, and another thing: nothing to compare with. */
static void rpm_other_digest(void **state)
{
	uint8_t bytes[2048];
	size_t len = make_header(bytes, 12);
	struct matches m = {0};

	(void)state;
	match_add(&m, "/opt/y");
	match_sort(&m);
	match_header(&m, NULL, bytes, len);
	assert_true(m.match[0].found);
	assert_string_equal(m.match[0].digest, "");
}

static void none_there(void **state)
{
	struct package_file *f = ask("/usr/bin/curl", NULL);

	(void)state;
	pacman_find("/nonexistent", f);
	apk_find("/nonexistent", f);
	rpm_find("/nonexistent", f);
	assert_null(f->manager);
	assert_false(pacman_works("/nonexistent") || apk_works("/nonexistent") || rpm_works("/nonexistent"));
	free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pacman_owners),    cmocka_unit_test(pacman_at_work),
		cmocka_unit_test(pacman_cut),	    cmocka_unit_test(apk_owners),
		cmocka_unit_test(apk_at_work),	    cmocka_unit_test(apk_cut),
		cmocka_unit_test(long_lines),	    cmocka_unit_test(rpm_owners),
		cmocka_unit_test(rpm_header_cut),   cmocka_unit_test(rpm_header_broken),
		cmocka_unit_test(rpm_other_digest), cmocka_unit_test(none_there),
	};

	return cmocka_run_group_tests_name("managers", tests, make, tear_down);
}
