/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exhaust.c - an unprivileged program fills its socket's option memory, with IPv6 group joins or (TCP, which
 * may not join groups) keys of other connections, so that the kernel can attach no storage to the socket, and
 * then moves BYTES in pieces of 1000: "connected", "unconnected", "echo" or "tcp", where each piece is read
 * back before the next. Whoever counts in per-socket storage only is blind to it.
 */
#include <grp.h>
#include <net/if.h>
#include <netinet/tcp.h>

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

/* One more key than there is room for; none of them is for a peer of ours. */
static void fill_tcp(int fd)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr.s6_addr = {0x20, 0x01, 0x0d, 0xb8}};
	struct tcp_md5sig key = {.tcpm_keylen = 80};
	unsigned i;

	for (i = 1; i < 100000; i++) {
		memcpy(&a.sin6_addr.s6_addr[12], &i, 4);
		memcpy(&key.tcpm_addr, &a, sizeof(a));
		if (setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)))
			break;
	}
	if (errno == ENOPROTOOPT || i == 1)
		cannot("no TCP_MD5SIG");
	if (i == 100000 || errno != ENOMEM)
		die("TCP_MD5SIG");
}

int main(int argc, char **argv)
{
	static const char buf[1000];
	struct sockaddr_storage to;
	struct moved m = {0, 0};
	unsigned long long left;
	socklen_t len;
	ssize_t r;
	int fd, naming, tcp;

	if (argc != 6)
		usage("connected|unconnected|echo|tcp HOST PORT BYTES INTERFACE");
	naming = !strcmp(argv[1], "unconnected");
	tcp = !strcmp(argv[1], "tcp");
	left = amount(argv[4]);
	if (setgroups(0, NULL) || setgid(65534) || setuid(65534))
		die("become nobody");
	len = address(&to, argv[2], argv[3]);
	fd = socket(AF_INET6, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	if (tcp)
		fill_tcp(fd);
	else
		fill(fd, argv[5]);
	if (!naming && connect(fd, (struct sockaddr *)&to, len))
		die("connect");
	for (; left >= sizeof(buf); left -= sizeof(buf)) {
		r = sendto(fd, buf, sizeof(buf), 0, naming ? (struct sockaddr *)&to : NULL, naming ? len : 0);
		if (r < 0)
			die("sendto");
		m.sent += r;
		if (tcp || !strcmp(argv[1], "echo"))
			receive_all(fd, r, &m);
	}
	close(fd);
	moved_say(&m);
	return 0;
}
