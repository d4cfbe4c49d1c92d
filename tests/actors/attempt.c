/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attempt.c - connects that come to nothing. Says what connect() said ("result ECONNREFUSED"), then the sums.
 *   wait      blocks until the kernel gives up; one SYN is repeated once, so that this takes 3 s
 *   abort     closes a non-blocking socket while it is still connecting
 *   dissolve  ends such an attempt by connect(AF_UNSPEC); the same socket then tries PORT+1 and is closed
 *   kill      as wait, but the program is killed after 100 ms
 *   data      bytes go with the attempt (TCP_FASTOPEN), it is sendto() that connects
 * -p mptcp or sctp takes another protocol.
 */
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>

#include "tests/actors/actor.h"

int main(int argc, char **argv)
{
	struct sockaddr_storage to;
	struct moved m = {0, 0};
	socklen_t len;
	char next[16];
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	int fd, one = 1, protocol = 0, aborting, rc;

	if (argc > 2 && !strcmp(argv[1], "-p")) {
		protocol = !strcmp(argv[2], "mptcp") ? IPPROTO_MPTCP : IPPROTO_SCTP;
		argc -= 2;
		argv += 2;
	}
	if (argc != 4)
		usage("[-p mptcp|sctp] wait|abort|dissolve|kill|data HOST PORT");
	aborting = !strcmp(argv[1], "abort") || !strcmp(argv[1], "dissolve");
	len = address(&to, argv[2], argv[3]);
	snprintf(next, sizeof(next), "%d", atoi(argv[3]) + 1);
	fd = socket(to.ss_family, SOCK_STREAM, protocol);
	if (fd < 0 && protocol)
		cannot("this kernel lacks the protocol");
	if (fd < 0)
		die("socket");
	setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &one, sizeof(one));
	if (aborting)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	if (!strcmp(argv[1], "kill") && fork() == 0) {
		wait_ms(100);
		kill(getppid(), SIGKILL);
		_exit(0);
	}
	if (!strcmp(argv[1], "data"))
		rc = sendto(fd, "data", 4, MSG_FASTOPEN, (struct sockaddr *)&to, len);
	else
		rc = connect(fd, (struct sockaddr *)&to, len);
	if (rc >= 0)
		printf("result OPEN\n");
	else
		printf("result %s\n", strerrorname_np(errno));
	wait_ms(aborting ? 50 : 0);
	if (!strcmp(argv[1], "dissolve")) {
		if (connect(fd, &none, sizeof(none)))
			die("connect(AF_UNSPEC)");
		len = address(&to, argv[2], next);
		connect(fd, (struct sockaddr *)&to, len);
		wait_ms(50);
	}
	close(fd);
	moved_say(&m);
	return 0;
}
