/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exhaust.c - an unprivileged program fills its socket's option memory (IPv6 group joins until ENOBUFS), so
 * that the kernel can attach no storage to the socket, and then moves BYTES in pieces of 1000: "connected",
 * "unconnected", or "echo", where each piece is read back before the next. Whoever counts in per-socket
 * storage only is blind to it. (A TCP socket may not join groups.)
 */
#include <grp.h>
#include <net/if.h>

#include "tests/actors/actor.h"

static void fill(int fd, const char *interface)
{
	struct ipv6_mreq join = {.ipv6mr_multiaddr.s6_addr = {0xff, 0x02}};
	unsigned i;

	join.ipv6mr_interface = if_nametoindex(interface);
	for (i = 1; i < 100000; i++) {
		memcpy(&join.ipv6mr_multiaddr.s6_addr[12], &i, 4);
		if (setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &join, sizeof(join)))
			break;
	}
	if (i == 100000 || (errno != ENOMEM && errno != ENOBUFS))
		die("IPV6_JOIN_GROUP");
}

int main(int argc, char **argv)
{
	static const char buf[1000];
	struct sockaddr_storage to;
	struct moved m = {0, 0};
	unsigned long long left;
	socklen_t len;
	ssize_t r;
	int fd, naming;

	if (argc != 6)
		usage("connected|unconnected|echo HOST PORT BYTES INTERFACE");
	naming = !strcmp(argv[1], "unconnected");
	left = amount(argv[4]);
	if (setgroups(0, NULL) || setgid(65534) || setuid(65534))
		die("become nobody");
	len = address(&to, argv[2], argv[3]);
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	fill(fd, argv[5]);
	if (!naming && connect(fd, (struct sockaddr *)&to, len))
		die("connect");
	for (; left >= sizeof(buf); left -= sizeof(buf)) {
		r = sendto(fd, buf, sizeof(buf), 0, naming ? (struct sockaddr *)&to : NULL, naming ? len : 0);
		if (r < 0)
			die("sendto");
		m.sent += r;
		if (!strcmp(argv[1], "echo"))
			receive_all(fd, r, &m);
	}
	close(fd);
	moved_say(&m);
	return 0;
}
