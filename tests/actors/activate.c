/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * activate.c - a socket is made by one program and used by another that it starts: the bytes are those of who
 * moves them.
 *   listen    makes the listening socket, waits for the first connection and starts PROGRAM with it as
 *             descriptor 3 (LISTEN_FDS, sd_listen_fds(3))
 *   datagram  the same with a UDP socket
 *   inetd     accepts each connection and starts a PROGRAM for it, whose standard input and output it is
 * PROGRAM is a copy of this one, started as
 *   accept    accepts COUNT connections at descriptor 3, reads each to its end and answers BYTES
 *   receive   receives COUNT datagrams at descriptor 3 and answers each with BYTES
 *   stdio     reads descriptor 0 to its end and writes BYTES to descriptor 1
 * The starter says what all that it started have moved: "program sent N received M".
 */
#include <poll.h>
#include <sys/wait.h>

#include "tests/actors/actor.h"

static struct moved moved;
static char buf[65536];

static int made(int type, const char *host, const char *port)
{
	struct sockaddr_storage ss;
	socklen_t len = address(&ss, host, port);
	int fd = socket(ss.ss_family, type, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(fd, (struct sockaddr *)&ss, len) || (type == SOCK_STREAM && listen(fd, 16)))
		die("listen");
	step("ready");
	return fd;
}

/* Start it with fd at the place where it expects it; wait for its end. The pipe brings what it said. */
static void start(const char *program, const char *how, int fd, const char *count, const char *bytes)
{
	unsigned long long sent, received;
	int said[2], status, at = strcmp(how, "stdio") ? 3 : 0;
	pid_t pid;
	FILE *f;

	if (pipe(said) || (pid = fork()) < 0)
		die("start");
	if (!pid) {
		dup2(said[1], 9);
		dup2(fd, at);
		if (!at)
			dup2(fd, 1);
		setenv("LISTEN_FDS", "1", 1);
		execl(program, program, how, count, bytes, (char *)NULL);
		die(program);
	}
	close(said[1]);
	f = fdopen(said[0], "r");
	if (fscanf(f, "sent %llu received %llu", &sent, &received) != 2 || waitpid(pid, &status, 0) < 0 ||
	    status)
		die("the program failed");
	fclose(f);
	moved.sent += sent;
	moved.received += received;
}

static void answer(int in, int out, unsigned long long bytes)
{
	ssize_t r;

	while ((r = read(in, buf, sizeof(buf))) > 0)
		moved.received += r;
	while (bytes) {
		if ((r = write(out, buf, bytes < sizeof(buf) ? bytes : sizeof(buf))) < 0)
			die("write");
		moved.sent += r;
		bytes -= r;
	}
}

static void accept_each(unsigned long long count, unsigned long long bytes)
{
	while (count--) {
		int fd = accept(3, NULL, NULL);

		if (fd < 0)
			die("accept");
		answer(fd, fd, bytes);
		close(fd);
	}
}

static void receive_each(unsigned long long count, unsigned long long bytes)
{
	while (count--) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		ssize_t r = recvfrom(3, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);

		if (r < 0)
			die("recvfrom");
		moved.received += r;
		if ((r = sendto(3, buf, bytes, 0, (struct sockaddr *)&from, len)) < 0)
			die("sendto");
		moved.sent += r;
	}
}

static void starter(char **argv)
{
	int datagram = !strcmp(argv[1], "datagram");
	int fd = made(datagram ? SOCK_DGRAM : SOCK_STREAM, argv[2], argv[3]);
	unsigned long long count = amount(argv[4]);

	if (strcmp(argv[1], "inetd")) {
		poll(&(struct pollfd){fd, POLLIN, 0}, 1, -1);
		start(argv[6], datagram ? "receive" : "accept", fd, argv[4], argv[5]);
	} else {
		while (count--) {
			int one = accept(fd, NULL, NULL);

			start(argv[6], "stdio", one, "1", argv[5]);
			close(one);
		}
	}
	printf("program sent %llu received %llu\n", moved.sent, moved.received);
}

int main(int argc, char **argv)
{
	if (argc == 7) {
		starter(argv);
		return 0;
	}
	if (argc != 4)
		usage("listen|inetd|datagram HOST PORT COUNT BYTES PROGRAM | accept|stdio|receive COUNT "
		      "BYTES");
	if (!strcmp(argv[1], "accept"))
		accept_each(amount(argv[2]), amount(argv[3]));
	else if (!strcmp(argv[1], "stdio"))
		answer(0, 1, amount(argv[3]));
	else
		receive_each(amount(argv[2]), amount(argv[3]));
	dprintf(9, "sent %llu received %llu\n", moved.sent, moved.received);
	return 0;
}
