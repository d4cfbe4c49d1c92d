// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * file.c - stat in the words of the wire. Owns nothing.
 */
#include "hasher/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Timestamps are a jiffy coarse before 6.13 (at most 10 ms); twice that is safe. A ctime further in the
 * future than a server's clock may be ahead comes from a clock that jumped, and says nothing. */
#define FILE_YOUNG_NS 20000000
#define FILE_AHEAD_NS 2000000000

int file_stat(int fd, struct wire_file *f)
{
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &sx))
		return -errno;
	if (!S_ISREG(sx.stx_mode))
		return -EINVAL;
	*f = (struct wire_file){
		.ino = sx.stx_ino,
		.size_bytes = sx.stx_size,
		.ctime_s = sx.stx_ctime.tv_sec,
		.mtime_s = sx.stx_mtime.tv_sec,
		.ctime_ns = sx.stx_ctime.tv_nsec,
		.mtime_ns = sx.stx_mtime.tv_nsec,
		.dev = sx.stx_dev_major << 20 | sx.stx_dev_minor,
	};
	return 0;
}

int file_open(const char *path)
{
	char by_fd[32];
	struct wire_file st;
	int place, fd, rc;

	place = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
	if (place < 0)
		return -errno;
	rc = file_stat(place, &st);
	if (!rc) {
		snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", place);
		fd = open(by_fd, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		rc = fd < 0 ? -errno : fd;
	}
	close(place);
	return rc;
}

__u32 file_generation(int fd)
{
	long version = 0; /* the ioctl is declared with long, filesystems store an int */

	if (ioctl(fd, FS_IOC_GETVERSION, &version))
		return 0;
	return (__u32)version;
}

__u64 file_filesystem(int fd)
{
	long version;
	struct statfs fs;
	__u64 id;

	if (ioctl(fd, FS_IOC_GETVERSION, &version) || fstatfs(fd, &fs) || fs.f_flags & ST_NOSUID)
		return 0;
	static_assert(sizeof(fs.f_fsid) == sizeof(id), "f_fsid");
	memcpy(&id, &fs.f_fsid, sizeof(id));
	return id;
}

bool file_same_content(const struct wire_file *a, const struct wire_file *b)
{
	return a->ino == b->ino && a->size_bytes == b->size_bytes && a->mtime_s == b->mtime_s &&
	       a->mtime_ns == b->mtime_ns;
}

bool file_unchanged(const struct wire_file *a, const struct wire_file *b)
{
	return file_same_content(a, b) && a->ctime_s == b->ctime_s && a->ctime_ns == b->ctime_ns;
}

bool file_young(const struct wire_file *f, wire_ns now_ns)
{
	__s64 age_ns;

	if (f->ctime_s < 0 || f->ctime_s > (__s64)(INT64_MAX / 1000000000 - 1))
		return false;
	age_ns = (__s64)now_ns - (f->ctime_s * 1000000000 + f->ctime_ns);
	return age_ns < FILE_YOUNG_NS && age_ns > -FILE_AHEAD_NS;
}
