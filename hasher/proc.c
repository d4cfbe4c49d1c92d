// SPDX-License-Identifier: GPL-2.0-or-later
#include "hasher/proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool proc_same(const struct wire_image_key *image)
{
	const unsigned long long hz = (unsigned long long)sysconf(_SC_CLK_TCK);
	char path[32], buf[1024], *s;
	unsigned long long start;
	ssize_t n;
	int fd, i;

	snprintf(path, sizeof(path), "/proc/%u/stat", image->tgid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	s = strrchr(buf, ')'); /* comm may hold anything, blanks and brackets too */
	for (i = 3; s && i <= 22; i++)
		s = strchr(s + 1, ' ');
	if (!s || sscanf(s, "%llu", &start) != 1)
		return false;
	return start == image->start_ns * hz / 1000000000ull;
}

static bool read_root(const char *path, struct statx *root)
{
	return !statx(AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_INO, root);
}

/* Services have mount namespaces of their own that begin at the machine's root and see its files: so may we.
 * Process 1 lives at that root, but not every machine lets itself be asked. The record tells the inode number
 * of the root, not its device: that is asked of the process, while it runs. */
bool proc_elsewhere(const struct wire_exec *exec)
{
	static struct stat mntns;
	struct statx ours, theirs;
	char path[32];

	if (!mntns.st_ino && stat("/proc/1/ns/mnt", &mntns) && stat("/proc/self/ns/mnt", &mntns))
		return false;
	if (mntns.st_ino == exec->mntns)
		return false;
	if ((!read_root("/proc/1/root", &ours) && !read_root("/", &ours)) || ours.stx_ino != exec->root_ino)
		return true;
	snprintf(path, sizeof(path), "/proc/%u/root", exec->image.tgid);
	if (!read_root(path, &theirs) || !proc_same(&exec->image))
		return false;
	return ours.stx_dev_major != theirs.stx_dev_major || ours.stx_dev_minor != theirs.stx_dev_minor;
}

bool proc_our_users(__u32 tgid)
{
	struct stat ours, theirs;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u/ns/user", tgid);
	return !stat("/proc/self/ns/user", &ours) && !stat(path, &theirs) && ours.st_ino == theirs.st_ino;
}

/* An open file of /proc stays that of the process it was opened for, so whoever has the number afterwards had
 * it then. */
bool proc_cgroups(const struct wire_image_key *image, char *to, size_t size)
{
	size_t len = 0;
	char path[32];
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/cgroup", image->tgid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (proc_same(image))
		while (len < size - 1 && (n = read(fd, to + len, size - 1 - len)) > 0)
			len += (size_t)n;
	close(fd);
	to[len] = '\0';
	return len > 0 && n >= 0;
}
