// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_cache.c - a version is found only as long as nothing says that it is another one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hasher/cache.h"

static const __u8 digest[WIRE_SHA256_SIZE] = {1, 2, 3};
static const struct wire_file st = {.ino = 100,
				    .size_bytes = 5000,
				    .ctime_s = 10,
				    .ctime_ns = 1,
				    .mtime_s = 9,
				    .mtime_ns = 2,
				    .dev = 0x4e};

/* What may differ: each alone must hide the version from both ways to it. */
static void validity(void **state)
{
	struct cache *c = cache_new(CACHE_MAX);
	struct wire_file record = st, other[6];
	struct cache_file *f = cache_add(c, &st, NULL);
	unsigned i;

	(void)state;
	record.dev = 0x47;
	record.generation = 77;
	assert_null(cache_by_record(c, &record));
	cache_set_record(c, f, &record);
	assert_ptr_equal(cache_by_stat(c, &st), f);
	assert_ptr_equal(cache_by_record(c, &record), f);
	assert_null(cache_by_record(c, &st)); /* the other device */
	assert_int_equal(cache_pending(c), 1);
	cache_set_digest(c, f, WIRE_HASH_OK, digest);
	assert_int_equal(cache_pending(c), 0);
	assert_memory_equal(cache_by_stat(c, &st)->sha256, digest, sizeof(digest));

	for (i = 0; i < 6; i++)
		other[i] = st;
	other[0].dev++;
	other[1].ino++;
	other[2].size_bytes++;
	other[3].ctime_ns++;
	other[4].ctime_s++;
	other[5].mtime_s++;
	for (i = 0; i < 6; i++) {
		assert_null(cache_by_stat(c, &other[i]));
		other[i].generation = 77;
		other[i].dev = i ? 0x47 : 0x48;
		assert_null(cache_by_record(c, &other[i]));
	}
	record.generation++;
	assert_null(cache_by_record(c, &record));
	cache_free(c);
}

static void errors_and_young_are_not_found(void **state)
{
	struct cache *c = cache_new(CACHE_MAX);
	struct cache_file *f = cache_add(c, &st, NULL);
	__u64 id = f->file_id;

	(void)state;
	cache_set_digest(c, f, WIRE_HASH_READ, NULL);
	assert_null(cache_by_stat(c, &st));
	assert_ptr_equal(cache_by_id(c, id), f);

	f = cache_add(c, &st, &st);
	assert_int_not_equal(f->file_id, id);
	f->young = true;
	cache_set_digest(c, f, WIRE_HASH_OK, digest);
	assert_null(cache_by_stat(c, &st));
	assert_null(cache_by_record(c, &st));
	cache_free(c);
}

/* The same inode number in a new version: the old one is out, in whatever order they are asked for. */
static void newer_version(void **state)
{
	struct cache *c = cache_new(CACHE_MAX);
	struct wire_file later = st;
	struct cache_file *old = cache_add(c, &st, NULL);
	__u64 old_id = old->file_id;
	struct cache_file *f;

	(void)state;
	later.ctime_s++;
	f = cache_add(c, &later, NULL);
	assert_null(cache_by_stat(c, &st));
	assert_ptr_equal(cache_by_stat(c, &later), f);
	assert_ptr_equal(cache_by_inode(c, &st), f);
	assert_non_null(cache_by_id(c, old_id));
	cache_forget(c, f);
	assert_null(cache_by_stat(c, &later));
	assert_null(cache_by_inode(c, &st));
	cache_free(c);
}

static void device_goes_away(void **state)
{
	struct cache *c = cache_new(CACHE_MAX);
	struct wire_file file = st, record = st;
	unsigned i;

	(void)state;
	for (i = 0; i < 200; i++) {
		file.ino = i;
		file.dev = record.dev = i % 2 ? 0x11 : 0x12;
		record.ino = i;
		cache_add(c, &file, &record);
	}
	cache_forget_dev(c, 0x11);
	for (i = 0; i < 200; i++) {
		file.ino = i;
		file.dev = i % 2 ? 0x11 : 0x12;
		assert_int_equal(cache_by_stat(c, &file) != NULL, i % 2 == 0);
		assert_int_equal(cache_by_record(c, &file) != NULL, i % 2 == 0);
	}
	cache_free(c);
}

/* At the bound the one unused for longest goes; what is pending stays, and if all are, nothing is taken. */
static void bound(void **state)
{
	enum {
		MAX = 100
	};
	struct cache *c = cache_new(MAX);
	struct wire_file file = st;
	struct cache_file *f;
	__u64 kept_id = 0;
	unsigned i;

	(void)state;
	for (i = 0; i < MAX; i++) {
		file.ino = i;
		f = cache_add(c, &file, &file);
		if (i == 0)
			kept_id = f->file_id; /* stays pending */
		else
			cache_set_digest(c, f, WIRE_HASH_OK, digest);
	}
	file.ino = 1;
	assert_non_null(cache_by_stat(c, &file)); /* used: 2 is the oldest now */
	file.ino = 1000;
	f = cache_add(c, &file, NULL);
	assert_non_null(f);
	assert_int_equal(cache_count(c), MAX);
	for (i = 0; i < 4; i++) {
		file.ino = i;
		assert_int_equal(cache_by_stat(c, &file) != NULL, i != 2);
		assert_int_equal(cache_by_record(c, &file) != NULL, i != 2);
	}
	assert_non_null(cache_by_id(c, kept_id));
	assert_int_equal(cache_pending(c), 2);

	for (i = 0; i < MAX - 2; i++) {
		file.ino = 2000 + i;
		assert_non_null(cache_add(c, &file, NULL));
	}
	file.ino = 3000;
	assert_null(cache_add(c, &file, NULL));
	f = NULL;
	for (i = 0; (f = cache_next_pending(c, f ? f->file_id : 0)) != NULL; i++)
		;
	assert_int_equal(i, MAX);
	cache_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(validity),	 cmocka_unit_test(errors_and_young_are_not_found),
		cmocka_unit_test(newer_version), cmocka_unit_test(device_goes_away),
		cmocka_unit_test(bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
