/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cost.c - what one operation costs: repeats it COUNT times on the loopback and says the processor time of
 * this process and its children per operation, in nanoseconds ("ns N").
 * - udp: send of 64 bytes on a connected socket
 * - udpto: the same with sendto on an unconnected one
 * - tcp: connect, accept, 100 bytes, close
 * - exec: start PROGRAM and wait for it
 * Nobody reads the datagrams: the receiver would only add noise.
 */
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/actors/actor.h"

extern char **environ;

static struct sockaddr_in bound(int fd, int backlog)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || (backlog && listen(fd, backlog)) ||
	    getsockname(fd, (struct sockaddr *)&a, &len))
		die("bind");
	return a;
}

static void datagrams(unsigned long long count, int naming)
{
	static const char buf[64];
	int hole = socket(AF_INET, SOCK_DGRAM, 0), fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in a = bound(hole, 0);

	if (!naming && connect(fd, (struct sockaddr *)&a, sizeof(a)))
		die("connect");
	while (count--)
		if (sendto(fd, buf, sizeof(buf), 0, naming ? (struct sockaddr *)&a : NULL,
			   naming ? sizeof(a) : 0) < 0)
			die("sendto");
}

static void connections(unsigned long long count)
{
	struct linger now = {1, 0};
	char buf[100] = "";
	int l = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a = bound(l, 16);

	while (count--) {
		int fd = socket(AF_INET, SOCK_STREAM, 0), in;

		if (connect(fd, (struct sockaddr *)&a, sizeof(a)) || (in = accept(l, NULL, NULL)) < 0)
			die("connect");
		if (send(fd, buf, sizeof(buf), 0) != sizeof(buf) ||
		    recv(in, buf, sizeof(buf), 0) != sizeof(buf))
			die("send");
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(fd);
		close(in);
	}
}

static void programs(unsigned long long count, char *program)
{
	char *args[] = {program, NULL};
	pid_t pid;
	int status;

	while (count--) {
		if ((errno = posix_spawn(&pid, program, NULL, NULL, args, environ)))
			die(program);
		waitpid(pid, &status, 0);
	}
}

static long long spent_ns(void)
{
	struct timespec own;
	struct rusage r;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
	getrusage(RUSAGE_CHILDREN, &r);
	return own.tv_sec * 1000000000LL + own.tv_nsec +
	       (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000000LL +
	       (r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1000LL;
}

int main(int argc, char **argv)
{
	unsigned long long count;
	long long from;

	if (argc < 3)
		usage("udp|udpto|tcp COUNT | exec COUNT PROGRAM");
	count = amount(argv[2]);
	from = spent_ns();
	if (!strcmp(argv[1], "tcp"))
		connections(count);
	else if (!strcmp(argv[1], "exec") && argc == 4)
		programs(count, argv[3]);
	else
		datagrams(count, !strcmp(argv[1], "udpto"));
	printf("ns %lld\n", (spent_ns() - from) / (long long)count);
	return 0;
}
