/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spawn.c - starts COUNT processes, WIDTH at a time, and waits for all of them. "%" in an argument becomes
 * the number of the process, in the program's name too. Exits 1 if any of them failed.
 */
#include <spawn.h>
#include <sys/wait.h>

#include "tests/actors/actor.h"

extern char **environ;

static char *filled(const char *arg, unsigned long long n)
{
	const char *percent = strchr(arg, '%');
	char *s = NULL;

	if (!percent)
		return (char *)arg;
	if (asprintf(&s, "%.*s%llu%s", (int)(percent - arg), arg, n, percent + 1) < 0)
		die("asprintf");
	return s;
}

int main(int argc, char **argv)
{
	unsigned long long i, count, width, running = 0;
	int k, status, failed = 0;

	if (argc < 4)
		usage("COUNT WIDTH PROGRAM [ARG...]");
	count = amount(argv[1]);
	width = amount(argv[2]);
	for (i = 0; i < count || running;) {
		char *args[16];
		pid_t pid;

		if (i == count || running == width) {
			if (wait(&status) < 0)
				die("wait");
			failed |= status;
			running--;
			continue;
		}
		for (k = 0; k < 15 && argv[k + 3]; k++)
			args[k] = filled(argv[k + 3], i);
		args[k] = NULL;
		if ((errno = posix_spawn(&pid, args[0], NULL, NULL, args, environ)))
			die(args[0]);
		for (k = 0; args[k]; k++)
			if (args[k] != argv[k + 3])
				free(args[k]);
		running++;
		i++;
	}
	return failed != 0;
}
