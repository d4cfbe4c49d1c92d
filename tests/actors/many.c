/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * many.c - makes COUNT programs in DIR, each PROGRAM with another number behind its end (which nobody loads),
 * runs each once and removes it.
 */
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/actors/actor.h"

extern char **environ;

static char bytes[4 << 20];

static void make(const char *path, size_t len, unsigned long long n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len || dprintf(fd, "%llu\n", n) < 0)
		die(path);
	close(fd);
}

int main(int argc, char **argv)
{
	unsigned long long i, count;
	ssize_t len;
	int fd, status;

	if (argc != 4)
		usage("COUNT DIR PROGRAM");
	count = amount(argv[1]);
	fd = open(argv[3], O_RDONLY | O_CLOEXEC);
	len = read(fd, bytes, sizeof(bytes));
	if (fd < 0 || len <= 0 || len == sizeof(bytes))
		die(argv[3]);
	close(fd);
	for (i = 0; i < count; i++) {
		char path[4096], *args[] = {path, NULL};
		pid_t pid;

		snprintf(path, sizeof(path), "%s/%llu", argv[2], i);
		make(path, (size_t)len, i);
		if ((errno = posix_spawn(&pid, path, NULL, NULL, args, environ)))
			die(path);
		if (waitpid(pid, &status, 0) < 0)
			die("wait");
		unlink(path);
	}
	return 0;
}
