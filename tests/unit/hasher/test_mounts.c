// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_mounts.c - lines of mountinfo, good and hostile, cut at each byte; which filesystems are watched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hasher/mounts.h"

static const struct {
	const char *line;
	int rc;
	__u32 id, dev;
	const char *point, *fstype;
} table[] = {
	{"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n", 0, 36, 98 << 20,
	 "/mnt2", "ext3"},
	{"1 0 0:22 / / rw - tmpfs none rw\n", 0, 1, 22, "/", "tmpfs"},
	{"22 1 259:1048575 / /a rw shared:1 master:2 propagate_from:3 unbindable - btrfs x rw", 0, 22,
	 259u << 20 | 0xfffff, "/a", "btrfs"},
	{"22 1 8:1 / /media/my\\040stick\\011\\012\\134n rw - vfat x rw\n", 0, 22, 8 << 20 | 1,
	 "/media/my stick\t\n\\n", "vfat"},
	/* names made to look like something else */
	{"22 1 8:1 /\\040-\\040proc /x\\040-\\040proc rw - ext4 x rw\n", 0, 22, 8 << 20 | 1, "/x - proc",
	 "ext4"},
	{"22 1 8:1 / /end\\04 rw - ext4 x rw\n", 0, 22, 8 << 20 | 1, "/end\\04", "ext4"},
	{"22 1 8:1 / /\\777\\400 rw - ext4 x rw\n", 0, 22, 8 << 20 | 1, "/\\777\\400", "ext4"},
	{"22 1 8:1 / /fuse rw - fuse.sshfs host: rw\n", 0, 22, 8 << 20 | 1, "/fuse", "fuse.sshfs"},
	{"", -22, 0, 0, NULL, NULL},
	{"\n", -22, 0, 0, NULL, NULL},
	{"22 1 8:1 / /a rw\n", -22, 0, 0, NULL, NULL},
	{"22 1 8:1 / /a rw -\n", -22, 0, 0, NULL, NULL},
	{"22 1 8 / /a rw - ext4 x rw\n", -22, 0, 0, NULL, NULL},
	{"22 1 5000:1 / /a rw - ext4 x rw\n", -22, 0, 0, NULL, NULL},
	{"x 1 8:1 / /a rw - ext4 x rw\n", -22, 0, 0, NULL, NULL},
	{"22 1 8:1 / relative rw - ext4 x rw\n", -22, 0, 0, NULL, NULL},
};

static void lines(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct mounts_line m;
		char line[256];

		strcpy(line, table[i].line);
		assert_int_equal(mounts_parse(line, &m), table[i].rc);
		if (table[i].rc)
			continue;
		assert_int_equal(m.mount_id, table[i].id);
		assert_int_equal(m.dev, table[i].dev);
		assert_string_equal(m.point, table[i].point);
		assert_string_equal(m.fstype, table[i].fstype);
	}
}

static void cut_anywhere(void **state)
{
	size_t len, full = strlen(table[0].line);
	struct mounts_line m;

	(void)state;
	for (len = 0; len < full; len++) {
		char line[256] = "";

		memcpy(line, table[0].line, len);
		if (!mounts_parse(line, &m))
			assert_true(len > strlen("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - "));
	}
}

static void classes(void **state)
{
	(void)state;
	assert_int_equal(mounts_classify("ext4"), MOUNTS_LOCAL);
	assert_int_equal(mounts_classify("overlay"), MOUNTS_LOCAL);
	assert_int_equal(mounts_classify("devtmpfs"), MOUNTS_LOCAL);
	assert_int_equal(mounts_classify("fuseblk"), MOUNTS_LOCAL);
	assert_int_equal(mounts_classify("fuse"), MOUNTS_USER);
	assert_int_equal(mounts_classify("fuse.AppImage"), MOUNTS_USER);
	assert_int_equal(mounts_classify("nfs4"), MOUNTS_REMOTE);
	assert_int_equal(mounts_classify("proc"), MOUNTS_PSEUDO);
	assert_int_equal(mounts_classify("autofs"), MOUNTS_PSEUDO);
	assert_int_equal(mounts_classify("cgroup2"), MOUNTS_PSEUDO);
}

static void count_gone(void *arg, __u32 dev)
{
	*(__u32 *)arg += dev;
}

/* Ours go with their mounts, others stay; at the bound the first met are forgotten. */
static void table_of_filesystems(void **state)
{
	struct mounts *m = mounts_new();
	__u32 gone = 0, i;

	(void)state;
	for (i = 1; i <= 3; i++)
		mounts_put(m, i)->ours = i != 3;
	mounts_get(m, 2)->state = MOUNTS_WATCHED;
	mounts_scan_begin(m);
	mounts_get(m, 2)->seen = true;
	mounts_scan_end(m, count_gone, &gone);
	assert_int_equal(gone, 1);
	assert_null(mounts_get(m, 1));
	assert_int_equal(mounts_get(m, 2)->state, MOUNTS_WATCHED);
	assert_non_null(mounts_get(m, 3));
	assert_int_equal(mounts_watched(m), 1);
	for (i = 10; i < 10 + MOUNTS_MAX; i++)
		assert_non_null(mounts_put(m, i));
	assert_null(mounts_get(m, 2));
	assert_non_null(mounts_get(m, 10 + MOUNTS_MAX - 1));
	mounts_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(classes),
		cmocka_unit_test(table_of_filesystems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
