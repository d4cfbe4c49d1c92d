/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet.c - frames past the IP stack. "send" puts COUNT frames of SIZE bytes (Ethernet header included) on
 * an interface; "dgram" leaves the header to the kernel; "sniff" reads COUNT frames of others and says
 * "ready" first (what it reads is nobody's traffic: "received" stays 0, the bytes are said as "sniffed").
 */
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>

#include "tests/actors/actor.h"

int main(int argc, char **argv)
{
	struct sockaddr_ll ll = {.sll_family = AF_PACKET, .sll_halen = 6};
	struct moved m = {0, 0};
	unsigned long long count, size, sniffed = 0;
	char frame[65536] = "";
	int fd, sniff;
	ssize_t r;

	if (argc != 5)
		usage("send|dgram|sniff INTERFACE COUNT SIZE");
	sniff = !strcmp(argv[1], "sniff");
	count = amount(argv[3]);
	size = amount(argv[4]);
	ll.sll_ifindex = if_nametoindex(argv[2]);
	ll.sll_protocol = htons(sniff ? ETH_P_ALL : 0x88b5); /* local experiments */
	memset(ll.sll_addr, 0xff, 6);
	memset(frame, 0xff, 6);
	frame[6] = 2;
	frame[12] = (char)0x88;
	frame[13] = (char)0xb5;
	fd = socket(AF_PACKET, !strcmp(argv[1], "dgram") ? SOCK_DGRAM : SOCK_RAW, ll.sll_protocol);
	if (fd < 0)
		die("socket");
	if (sniff && bind(fd, (struct sockaddr *)&ll, sizeof(ll)))
		die("bind");
	if (sniff)
		step("ready");
	while (count--) {
		r = sniff ? recv(fd, frame, sizeof(frame), 0)
			  : sendto(fd, frame, size, 0, (struct sockaddr *)&ll, sizeof(ll));
		if (r < 0)
			die(sniff ? "recv" : "sendto");
		*(sniff ? &sniffed : &m.sent) += r;
	}
	if (sniff)
		printf("sniffed %llu ", sniffed);
	moved_say(&m);
	return 0;
}
