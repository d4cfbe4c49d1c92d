/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * raw.c - IP protocol 253 (for experiments). "serve" returns what it gets, says "ready" first and ends after
 * COUNT packets; "talk" sends COUNT packets and reads the answer to each; "hdrincl" makes its own IPv4
 * header.
 */
#include <netinet/ip.h>

#include "tests/actors/actor.h"

#define PROTOCOL 253

int main(int argc, char **argv)
{
	struct timeval limit = {.tv_sec = 5};
	struct sockaddr_storage to;
	struct moved m = {0, 0};
	unsigned long long count, size;
	char buf[65536] = "";
	int fd, serve, own;
	socklen_t len;

	if (argc != 5)
		usage("serve|talk|hdrincl HOST COUNT SIZE");
	serve = !strcmp(argv[1], "serve");
	own = !strcmp(argv[1], "hdrincl");
	len = address(&to, argv[2], "0");
	count = amount(argv[3]);
	size = amount(argv[4]);
	if ((fd = socket(to.ss_family, SOCK_RAW, own ? IPPROTO_RAW : PROTOCOL)) < 0)
		die("socket");
	if (serve)
		step("ready");
	else
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	while (count--) {
		ssize_t r;

		if (own) {
			struct iphdr *ip = (struct iphdr *)buf;

			*ip = (struct iphdr){.version = 4, .ihl = 5, .ttl = 64, .protocol = PROTOCOL};
			ip->daddr = ((struct sockaddr_in *)&to)->sin_addr.s_addr;
		}
		if (!serve) {
			if ((r = sendto(fd, buf, size, 0, (struct sockaddr *)&to, len)) < 0)
				die("sendto");
			m.sent += r;
			pace(r);
		}
		if (own)
			continue;
		len = sizeof(to);
		if ((r = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&to, &len)) < 0)
			die("recvfrom");
		m.received += r;
		if (serve) {
			if (to.ss_family == AF_INET) /* the header was read with it */
				r -= 20;
			if ((r = sendto(fd, buf, r, 0, (struct sockaddr *)&to, len)) < 0)
				die("sendto");
			m.sent += r;
		}
	}
	moved_say(&m);
	return 0;
}
