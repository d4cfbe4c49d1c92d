/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attempt.c - connects that come to nothing. Says what connect() said ("result ECONNREFUSED") before the
 * sums. wait   blocks until the kernel gives up; one SYN is repeated once, so that this takes 3 s abort
 * closes a non-blocking socket while it is still connecting kill   as wait, but the program is killed after
 * 100 ms
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
	int fd, one = 1;

	if (argc != 4)
		usage("wait|abort|kill HOST PORT");
	len = address(&to, argv[2], argv[3]);
	if ((fd = socket(to.ss_family, SOCK_STREAM, 0)) < 0)
		die("socket");
	setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &one, sizeof(one));
	if (!strcmp(argv[1], "abort"))
		fcntl(fd, F_SETFL, O_NONBLOCK);
	if (!strcmp(argv[1], "kill") && fork() == 0) {
		wait_ms(100);
		kill(getppid(), SIGKILL);
		_exit(0);
	}
	if (connect(fd, (struct sockaddr *)&to, len) == 0)
		printf("result OPEN\n");
	else
		printf("result %s\n", strerrorname_np(errno));
	wait_ms(!strcmp(argv[1], "abort") ? 50 : 0);
	close(fd);
	moved_say(&m);
	return 0;
}
