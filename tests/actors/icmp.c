/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * icmp.c - echo requests of SIZE bytes of payload, each answered before the next, from a ping socket or a raw
 * socket. A raw socket is shown everything of its protocol: what is read counts, whosever it is.
 */
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#include "tests/actors/actor.h"

int main(int argc, char **argv)
{
	struct timeval limit = {.tv_sec = 5};
	struct sockaddr_storage to;
	struct moved m = {0, 0};
	unsigned long long i, count, size;
	unsigned char out[65536] = "", in[65536];
	int fd, raw, v6, reply;
	socklen_t len;

	if (argc != 5)
		usage("ping|raw HOST COUNT SIZE");
	raw = !strcmp(argv[1], "raw");
	len = address(&to, argv[2], "0");
	v6 = to.ss_family == AF_INET6;
	count = amount(argv[3]);
	size = amount(argv[4]);
	fd = socket(to.ss_family, raw ? SOCK_RAW : SOCK_DGRAM, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	if (fd < 0 && !raw && errno == EACCES)
		cannot("ping_group_range excludes this group");
	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	reply = v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY;
	for (i = 0; i < count; i++) {
		struct icmphdr *h = (struct icmphdr *)out;
		uint32_t sum = 0;
		ssize_t r;

		memset(h, 0, sizeof(*h));
		h->type = v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
		h->un.echo.id = htons(getpid());
		h->un.echo.sequence = htons(i);
		if (!v6) { /* the payload is zero */
			sum = h->type + h->un.echo.id + h->un.echo.sequence;
			sum = (sum >> 16) + (sum & 0xffff);
			h->checksum = ~(sum + (sum >> 16));
		}
		if ((r = sendto(fd, out, sizeof(*h) + size, 0, (struct sockaddr *)&to, len)) < 0)
			die("sendto");
		m.sent += r;
		pace(r);
		do {
			if ((r = recv(fd, in, sizeof(in), 0)) < 0)
				die("recv");
			m.received += r;
		} while (in[raw && !v6 ? (in[0] & 15) * 4 : 0] != reply);
	}
	moved_say(&m);
	return 0;
}
