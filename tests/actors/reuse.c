/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reuse.c - one socket, several lives: BYTES to PORT, then the socket is dissolved with connect(AF_UNSPEC)
 * and tcp     connects to PORT2, asks for BYTES and leaves some unread   udp   sends 2*BYTES to PORT2 listen
 * listens on PORT2 of the same socket and accepts one connection from itself move    udp, connects straight
 * to PORT2 without dissolving
 */
#include "tests/actors/actor.h"

static struct moved moved;

static void dissolve(int fd)
{
	struct sockaddr a = {.sa_family = AF_UNSPEC};

	if (connect(fd, &a, sizeof(a)))
		die("connect(AF_UNSPEC)");
}

static void again(int fd, const char *host, const char *port)
{
	struct sockaddr_storage ss;
	socklen_t len = address(&ss, host, port);

	if (connect(fd, (struct sockaddr *)&ss, len))
		die("connect again");
}

/* The first life leaves 3,000 bytes unread. */
static void tcp(const char *host, const char *port, const char *port2, unsigned long long bytes)
{
	int fd = connected(SOCK_STREAM, 0, host, port);

	request(fd, bytes, &moved);
	receive_all(fd, bytes - 3000, &moved);
	wait_ms(20);
	dissolve(fd);
	again(fd, host, port2);
	request(fd, bytes, &moved);
	receive_all(fd, bytes, &moved);
	finish(fd, &moved);
}

static void listening(const char *host, const char *port, const char *port2, unsigned long long bytes)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(port2))};
	int fd = connected(SOCK_STREAM, 0, host, port), on = 1, out, in;

	send_all(fd, bytes, &moved);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	dissolve(fd);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 1))
		die("listen");
	out = connected(SOCK_STREAM, 0, "127.0.0.1", port2);
	in = accept(fd, NULL, NULL);
	send_all(out, 1000, &moved);
	shutdown(out, SHUT_WR);
	receive_all(in, ~0ULL, &moved);
	close(in);
	close(out);
}

int main(int argc, char **argv)
{
	unsigned long long bytes;
	int fd;

	if (argc != 6)
		usage("tcp|udp|move|listen HOST PORT PORT2 BYTES");
	bytes = amount(argv[5]);
	if (!strcmp(argv[1], "tcp")) {
		tcp(argv[2], argv[3], argv[4], bytes);
	} else if (!strcmp(argv[1], "listen")) {
		listening(argv[2], argv[3], argv[4], bytes);
	} else {
		fd = connected(SOCK_DGRAM, 0, argv[2], argv[3]);
		send_all(fd, bytes, &moved);
		if (!strcmp(argv[1], "udp"))
			dissolve(fd);
		again(fd, argv[2], argv[4]);
		send_all(fd, bytes, &moved);
		send_all(fd, bytes, &moved);
		close(fd);
	}
	moved_say(&moved);
	return 0;
}
