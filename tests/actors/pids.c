/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pids.c - one process number, many processes: starts the PROGRAMs in turn, COUNT times in all, each as
 * "PROGRAM HOST PORT BYTES", and all of them with the same process number (clone3() with set_tid), one after
 * the other.
 */
#include "tests/actors/actor.h"

#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static pid_t fork_as(pid_t pid)
{
	struct clone_args a = {.exit_signal = SIGCHLD};

	if (pid) {
		a.set_tid = (uintptr_t)&pid;
		a.set_tid_size = 1;
	}
	return syscall(SYS_clone3, &a, sizeof(a));
}

static void run(pid_t pid, char **argv)
{
	pid_t child = fork_as(pid);
	int status;

	if (child < 0 && (errno == EPERM || errno == ENOSYS || errno == EINVAL))
		cannot("process numbers cannot be chosen (clone3, Linux 5.5)");
	if (child < 0)
		die("clone3");
	if (!child) {
		execv(argv[0], argv);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child || status)
		die("the program failed");
}

/* A number that is free now. The kernel takes the next ones first, so it stays free for a while. */
static pid_t number(void)
{
	pid_t pid = fork_as(0);

	if (!pid)
		_exit(0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		die("clone3");
	return pid;
}

int main(int argc, char **argv)
{
	unsigned long long count, i;
	pid_t pid;

	if (argc < 6)
		usage("HOST PORT BYTES COUNT PROGRAM...");
	count = amount(argv[4]);
	pid = number();
	for (i = 0; i < count; i++) {
		char *program[] = {argv[5 + i % (argc - 5)], argv[1], argv[2], argv[3], NULL};

		run(pid, program);
	}
	printf("number %d\n", pid);
	return 0;
}
