// SPDX-License-Identifier: GPL-2.0-or-later
#include "hasher/proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
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
