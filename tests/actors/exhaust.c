/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exhaust.c - an unprivileged program fills its socket's option memory (IPv6 group joins until ENOBUFS), so
 * that the kernel can attach no storage to the socket, and then moves BYTES in pieces of 1000. Whoever counts
 * in per-socket storage only is blind to it.
 */
#include <grp.h>
#include <net/if.h>

#include "tests/actors/actor.h"

int main(int argc, char **argv)
{
	struct sockaddr_storage to;
	struct moved m = {0, 0};
	struct ipv6_mreq join = {.ipv6mr_multiaddr.s6_addr = {0xff, 0x02}};
	unsigned long long left;
	unsigned i;
	socklen_t len;
	int fd, udp;

	if (argc != 6)
		usage("udp|tcp HOST PORT BYTES INTERFACE");
	udp = !strcmp(argv[1], "udp");
	left = amount(argv[4]);
	if (setgroups(0, NULL) || setgid(65534) || setuid(65534))
		die("become nobody");
	len = address(&to, argv[2], argv[3]);
	fd = socket(AF_INET6, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
	join.ipv6mr_interface = if_nametoindex(argv[5]);
	for (i = 1; i < 100000; i++) {
		memcpy(&join.ipv6mr_multiaddr.s6_addr[12], &i, 4);
		if (setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &join, sizeof(join)))
			break;
	}
	if (i == 100000 || (errno != ENOMEM && errno != ENOBUFS))
		die("IPV6_JOIN_GROUP");
	if (connect(fd, (struct sockaddr *)&to, len))
		die("connect");
	for (; left >= 1000; left -= 1000)
		send_all(fd, 1000, &m);
	if (!udp)
		finish(fd, &m);
	close(fd);
	moved_say(&m);
	return 0;
}
