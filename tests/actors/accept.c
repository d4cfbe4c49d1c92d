/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * accept.c - a server under test: accepts COUNT connections, reads each to its end and answers BYTES. With
 * "fork" each connection is handled by a child of its own, which inherits the socket. Prints "ready" first.
 * -p mptcp takes another protocol; bytes that come with the first packet of TCP are welcome (TCP_FASTOPEN).
 */
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/actors/actor.h"

static void handle(int fd, unsigned long long bytes, struct moved *m)
{
	receive_all(fd, ~0ULL, m);
	if (bytes)
		send_all(fd, bytes, m);
	close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_storage ss;
	struct moved *m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned long long i, count, bytes;
	socklen_t len;
	int fd, conn, protocol = 0;

	if (argc > 2 && !strcmp(argv[1], "-p")) {
		protocol = IPPROTO_MPTCP;
		argc -= 2;
		argv += 2;
	}
	if (argc != 6)
		usage("[-p mptcp] fork|here HOST PORT COUNT BYTES");
	count = amount(argv[4]);
	bytes = amount(argv[5]);
	len = address(&ss, argv[2], argv[3]);
	fd = socket(ss.ss_family, SOCK_STREAM, protocol);
	if (fd < 0 && protocol)
		cannot("this kernel lacks the protocol");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &(int){64}, sizeof(int));
	if (bind(fd, (struct sockaddr *)&ss, len) || listen(fd, 128))
		die("listen");
	step("ready");
	for (i = 0; i < count; i++) {
		pid_t pid = 0;

		if ((conn = accept(fd, NULL, NULL)) < 0)
			die("accept");
		if (!strcmp(argv[1], "fork") && (pid = fork()) < 0)
			die("fork");
		if (pid) {
			close(conn);
			waitpid(pid, NULL, 0);
			continue;
		}
		handle(conn, bytes, m);
		if (!strcmp(argv[1], "fork"))
			_exit(0);
	}
	moved_say(m);
	return 0;
}
