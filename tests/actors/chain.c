/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chain.c - ways to become a process. Every one of them ends with the program of the remaining arguments.
 *   fork     as a child, which is waited for
 *   orphan   as a child of a child that is gone before the program starts
 *   daemon   no new program: this one forks twice, its parents exit, and the grandchild sends BYTES itself
 *            (HOST PORT BYTES are the remaining arguments)
 *   again    sends BYTES to HOST PORT itself, then becomes the program
 *   thread   the program is executed by a thread that is not the first
 *   memfd    the program is copied into a memory file and executed from there
 *   fexecve  it is executed by a descriptor, its name gone before
 *   traced   as a child that a debugger holds
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/wait.h>

#include "tests/actors/actor.h"

static void send_once(char **argv)
{
	struct moved m = {0, 0};
	int fd = connected(SOCK_DGRAM, 0, argv[0], argv[1]);

	send_all(fd, amount(argv[2]), &m);
	close(fd);
	moved_say(&m);
}

static void become(char **argv)
{
	execv(argv[0], argv);
	die(argv[0]);
}

static void *become_there(void *arg)
{
	become(arg);
	return NULL;
}

static void become_copy(char **argv)
{
	int file = open(argv[0], O_RDONLY), copy = memfd_create("copy", MFD_CLOEXEC);
	ssize_t r;

	while ((r = sendfile(copy, file, NULL, 1 << 20)) > 0)
		;
	fexecve(copy, argv, environ);
	die("fexecve");
}

static void become_nameless(char **argv)
{
	int file = open(argv[0], O_RDONLY | O_CLOEXEC);

	if (file < 0 || unlink(argv[0]))
		die(argv[0]);
	fexecve(file, argv, environ);
	die("fexecve");
}

/* The child stops at its execve until we let it go. */
static int trace(char **argv)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		become(argv);
	}
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status))
		ptrace(PTRACE_CONT, pid, NULL, NULL);
	return status != 0;
}

int main(int argc, char **argv)
{
	pthread_t t;
	pid_t pid;
	int status = 0;

	if (argc < 3)
		usage("fork|orphan|daemon|again|thread|memfd|fexecve|traced ARG...");
	if (!strcmp(argv[1], "again")) {
		if (argc < 6)
			usage("again HOST PORT BYTES PROGRAM [ARG...]");
		send_once(argv + 2);
		become(argv + 5);
	}
	if (!strcmp(argv[1], "thread")) {
		pthread_create(&t, NULL, become_there, argv + 2);
		pthread_join(t, NULL);
	}
	if (!strcmp(argv[1], "memfd"))
		become_copy(argv + 2);
	if (!strcmp(argv[1], "fexecve"))
		become_nameless(argv + 2);
	if (!strcmp(argv[1], "traced"))
		return trace(argv + 2);
	if ((pid = fork()) > 0) {
		waitpid(pid, &status, 0);
		return status != 0;
	}
	if (!strcmp(argv[1], "fork"))
		become(argv + 2);
	pid = getpid();
	if (fork() > 0)
		_exit(0);
	while (getppid() == pid)
		wait_ms(1);
	if (!strcmp(argv[1], "daemon"))
		send_once(argv + 2);
	else
		become(argv + 2);
	return 0;
}
