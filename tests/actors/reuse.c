/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reuse.c - one socket, several lives: BYTES to PORT, then connect(AF_UNSPEC) dissolves the socket, and
 *   tcp     it connects to PORT2, asks for BYTES and leaves some unread
 *   udp     it sends 2*BYTES to PORT2
 *   move    the same, but it connects straight to PORT2 and is not dissolved
 *   listen  it listens on PORT2 and accepts one connection from this program
 *   cycle   with PEER_ECHO: as listen, then shutdown() ends the listening, and it connects to PORT again
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

/* fd must have its port. */
static void accept_self(int fd, const char *port2)
{
	int out, in;

	if (listen(fd, 1))
		die("listen");
	out = connected(SOCK_STREAM, 0, "127.0.0.1", port2);
	in = accept(fd, NULL, NULL);
	send_all(out, 1000, &moved);
	shutdown(out, SHUT_WR);
	receive_all(in, ~0ULL, &moved);
	close(in);
	close(out);
}

static void bind_to(int fd, const char *port2)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(port2))};

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)))
		die("bind");
}

static void listening(const char *host, const char *port, const char *port2, unsigned long long bytes)
{
	int fd = connected(SOCK_STREAM, 0, host, port);

	send_all(fd, bytes, &moved);
	dissolve(fd);
	bind_to(fd, port2);
	accept_self(fd, port2);
}

/* The port stays with it through all its lives. */
static void cycle(const char *host, const char *port, const char *port2, unsigned long long bytes)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), i;

	bind_to(fd, port2);
	for (i = 0; i < 4; i++) {
		again(fd, host, port);
		send_all(fd, bytes, &moved);
		receive_all(fd, bytes, &moved);
		dissolve(fd);
		if (i % 2)
			continue; /* from one peer to the next at once */
		accept_self(fd, port2);
		if (shutdown(fd, SHUT_RDWR))
			die("shutdown");
	}
	close(fd);
}

int main(int argc, char **argv)
{
	unsigned long long bytes;
	int fd;

	if (argc != 6)
		usage("tcp|udp|move|listen|cycle HOST PORT PORT2 BYTES");
	bytes = amount(argv[5]);
	if (!strcmp(argv[1], "tcp")) {
		tcp(argv[2], argv[3], argv[4], bytes);
	} else if (!strcmp(argv[1], "listen")) {
		listening(argv[2], argv[3], argv[4], bytes);
	} else if (!strcmp(argv[1], "cycle")) {
		cycle(argv[2], argv[3], argv[4], bytes);
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
