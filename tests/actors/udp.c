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
 *   crowd   unconnected, each datagram to another peer: 50,000 ports from PORT on, then the next address
 *   segments  connected, each call hands over SIZE bytes that leave as datagrams of 100 (UDP_SEGMENT)
 *   gro       the other side of it: what arrives together at HOST PORT comes in one call (UDP_GRO)
 *   stamped   connected, with time stamps; the copies of what was sent that come with them are no traffic
 * -p udplite takes UDP-Lite (RFC 3828).
 */
#include "tests/actors/actor.h"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/udp.h>
#include <poll.h>

static int protocol;
static struct sockaddr_storage to;
static socklen_t to_len;
static unsigned long long count, size;
static struct moved moved;
static char buffer[65536];

static int dial(int connecting)
{
	struct timeval limit = {.tv_sec = 5};
	int fd = socket(to.ss_family, SOCK_DGRAM, protocol);

	if (fd < 0 && protocol)
		cannot("this kernel lacks the protocol");
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
	pace(r);
}

static void take(int fd, size_t room, int flags, int with_address)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	ssize_t r = with_address ? recvfrom(fd, buffer, room, flags, (struct sockaddr *)&from, &len)
				 : recv(fd, buffer, room, flags);

	if (r < 0)
		die("recv");
	if (flags & MSG_PEEK)
		return;
	moved.received += r;
	pace(r);
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

static void crowd(void)
{
	struct sockaddr_in whom = *(struct sockaddr_in *)&to; /* IPv4 */
	unsigned port = ntohs(whom.sin_port), host = ntohl(whom.sin_addr.s_addr);
	unsigned long long i;
	int fd = dial(0);

	for (i = 0; i < count; i++) {
		whom.sin_port = htons(port + i % 50000);
		whom.sin_addr.s_addr = htonl(host + i / 50000);
		give(fd, (struct sockaddr_storage *)&whom);
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

/* Several datagrams come as one; what the call returns counts. */
static void gro(void)
{
	int fd = dial(0), room = 8 << 20;
	unsigned long long calls = 0;

	if (bind(fd, (struct sockaddr *)&to, to_len))
		die("bind");
	if (setsockopt(fd, IPPROTO_UDP, UDP_GRO, &(int){1}, sizeof(int)))
		cannot("no UDP_GRO");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	step("ready");
	for (; moved.received < count * size; calls++)
		take(fd, sizeof(buffer), 0, 1);
	if (calls * 100 >= moved.received)
		die("every datagram came alone");
}

static void stamped(void)
{
	int on = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE, fd = dial(1);
	unsigned long long copies = 0;
	char control[512];
	ssize_t r;

	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &on, sizeof(on)))
		cannot("no SO_TIMESTAMPING");
	while (count--) {
		struct iovec v = {buffer, sizeof(buffer)};
		struct msghdr msg = {.msg_iov = &v,
				     .msg_iovlen = 1,
				     .msg_control = control,
				     .msg_controllen = sizeof(control)};

		give(fd, NULL);
		poll(&(struct pollfd){fd, 0, 0}, 1, 100); /* POLLERR: there is one */
		if ((r = recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT)) > 0)
			copies += r;
	}
	if (!copies)
		die("no copy came back");
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
		{"idle", idle},	  {"crowd", crowd},   {"gro", gro},	      {"stamped", stamped},
	};
	size_t i;

	if (argc > 2 && !strcmp(argv[1], "-p")) {
		protocol = IPPROTO_UDPLITE;
		argc -= 2;
		argv += 2;
	}
	if (argc != 6)
		usage("[-p udplite] MODE HOST PORT COUNT SIZE");
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
	usage("[-p udplite] MODE HOST PORT COUNT SIZE");
}
