// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * held.c - see held.h. fcntl(2) can be asked; of flock(2) only /proc/locks tells, by inode number: what it
 * says of the device is not what stat says on btrfs. (proc_locks(5))
 */
#include "hasher/held.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool in_table(unsigned long long ino)
{
	unsigned long long other;
	char line[256], access[8];
	bool found = false;
	FILE *file = fopen("/proc/locks", "re");

	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%*u: FLOCK %*s %7s %*d %*x:%*x:%llu", access, &other) == 2 &&
			other == ino && strcmp(access, "WRITE") == 0;
	if (file)
		fclose(file);
	return found;
}

bool held_exclusively(const char *path)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	struct stat st;
	bool held;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	held = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	if (!held && fstat(fd, &st) == 0)
		held = in_table(st.st_ino);
	close(fd);
	return held;
}
