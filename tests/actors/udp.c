/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * udp.c - datagrams, one way of moving them per mode. COUNT datagrams of SIZE bytes.
 *   up      connected, send            to      unconnected, sendto in turn to PORT, PORT+4 and PORT+5
 *   echo    connected, there and back  echoto  unconnected, sendto and recvfrom with PEER_ECHO
 *   down    connected, from PEER_SOURCE, eight at a time
 *   anon    unconnected, the answer is read without an address buffer
 *   peek    each answer is peeked, then read       cut   each answer is read into a buffer of 10 bytes
 *   closed  to a port where nobody listens         empty datagrams without a byte
 *   fan     unconnected, each datagram to the next port from PORT on   idle  connected, nothing at all
 */
#include <netinet/udp.h>

#include "tests/actors/actor.h"

static struct sockaddr_storage to;
static socklen_t to_len;
static unsigned long long count, size;
static struct moved moved;
static char buffer[65536];

static int dial(int connecting)
{
	struct timeval limit = {.tv_sec = 5};
	int fd = socket(to.ss_family, SOCK_DGRAM, 0);

	if (fd < 0)
		die("socket");
	if (connecting && connect(fd, (struct sockaddr *)&to, to_len))
		die("connect");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

static void give(int fd, const struct sockaddr_storage *whom)
{
	ssize_t r = sendto(fd, buffer, size, 0, (struct sockaddr *)whom, whom ? to_len : 0);

	if (r < 0)
		die("sendto");
	moved.sent += r;
}

static void take(int fd, size_t room, int flags, int with_address)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	ssize_t r = with_address ? recvfrom(fd, buffer, room, flags, (struct sockaddr *)&from, &len)
				 : recv(fd, buffer, room, flags);

	if (r < 0)
		die("recv");
	if (!(flags & MSG_PEEK))
		moved.received += r;
}

static void up(void)
{
	int fd = dial(1);

	while (count--)
		give(fd, NULL);
}

/* sin_port and sin6_port lie at the same place. */
static void to_several(void)
{
	static const int more[] = {0, 4, 5};
	struct sockaddr_storage whom = to;
	unsigned port = ntohs(((struct sockaddr_in *)&to)->sin_port);
	unsigned long long i;
	int fd = dial(0);

	for (i = 0; i < count; i++) {
		((struct sockaddr_in *)&whom)->sin_port = htons(port + more[i % 3]);
		give(fd, &whom);
	}
}

static void fan(void)
{
	unsigned port = ntohs(((struct sockaddr_in *)&to)->sin_port);
	unsigned long long i;
	int fd = dial(0);

	for (i = 0; i < count; i++) {
		((struct sockaddr_in *)&to)->sin_port = htons(port + i);
		give(fd, &to);
	}
}

static void idle(void)
{
	dial(1);
}

static void echo(void)
{
	int fd = dial(1);

	while (count--) {
		give(fd, NULL);
		take(fd, sizeof(buffer), 0, 0);
	}
}

static void echo_to(void)
{
	int fd = dial(0);

	while (count--) {
		give(fd, &to);
		take(fd, sizeof(buffer), 0, 1);
	}
}

static void anonymous(void)
{
	int fd = dial(0);

	while (count--) {
		give(fd, &to);
		take(fd, sizeof(buffer), 0, 0);
	}
}

static void peek(void)
{
	int fd = dial(1);

	while (count--) {
		give(fd, NULL);
		take(fd, sizeof(buffer), MSG_PEEK, 0);
		take(fd, sizeof(buffer), 0, 0);
	}
}

static void cut(void)
{
	int fd = dial(1);

	while (count--) {
		give(fd, NULL);
		take(fd, 10, 0, 0);
	}
}

static void down(void)
{
	int fd = dial(1);

	while (count) {
		uint32_t n = count < 8 ? count : 8, ask[2] = {htonl(n), htonl(size)};

		if (send(fd, ask, sizeof(ask), 0) != sizeof(ask))
			die("send");
		moved.sent += sizeof(ask);
		count -= n;
		while (n--)
			take(fd, sizeof(buffer), 0, 0);
	}
}

/* Every other send reports the ICMP error of the one before and moves nothing. */
static void closed(void)
{
	int fd = dial(1);

	while (count--) {
		ssize_t r = send(fd, buffer, size, 0);

		if (r < 0 && errno != ECONNREFUSED)
			die("send");
		if (r > 0)
			moved.sent += r;
		wait_ms(1);
	}
}

static void empty(void)
{
	int fd = dial(1);

	while (count--)
		if (send(fd, buffer, 0, 0))
			die("send");
}

/* One call, many datagrams: what the call reports counts. */
static void segments(void)
{
	int fd = dial(1), each = 100;
	ssize_t r;

	if (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &each, sizeof(each)))
		cannot("no UDP_SEGMENT");
	while (count--) {
		if ((r = send(fd, buffer, size, 0)) < 0)
			die("send");
		moved.sent += r;
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} modes[] = {
		{"up", up},	  {"to", to_several}, {"echo", echo},	      {"echoto", echo_to},
		{"peek", peek},	  {"cut", cut},	      {"down", down},	      {"anon", anonymous},
		{"empty", empty}, {"closed", closed}, {"segments", segments}, {"fan", fan},
		{"idle", idle},
	};
	size_t i;

	if (argc != 6)
		usage("MODE HOST PORT COUNT SIZE");
	to_len = address(&to, argv[2], argv[3]);
	count = amount(argv[4]);
	size = amount(argv[5]);
	for (i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(modes[i].name, argv[1]))
			continue;
		modes[i].run();
		moved_say(&moved);
		return 0;
	}
	usage("MODE HOST PORT COUNT SIZE");
}
