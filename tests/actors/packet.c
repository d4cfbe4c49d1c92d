/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet.c - frames past the IP stack. "send" puts COUNT frames of SIZE bytes (Ethernet header included) on
 * an interface; "dgram" leaves the header to the kernel; "ring2" and "ring3" write them into memory shared
 * with the kernel (PACKET_TX_RING, TPACKET_V2 and V3), where one send() without a byte of its own takes a
 * ring full of them; "sniff" reads COUNT frames of others and says "ready" first (what it reads is nobody's
 * traffic: "received" stays 0, the bytes are said as "sniffed").
 */
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/mman.h>

#include "tests/actors/actor.h"

#define RING_FRAMES 16
#define RING_FRAME 4096 /* each in a page of its own */

static struct sockaddr_ll ll = {.sll_family = AF_PACKET, .sll_halen = 6};
static struct moved moved;
static char frame[65536];

static char *ring_map(int fd, int version)
{
	struct tpacket_req3 req = {.tp_block_size = RING_FRAME,
				   .tp_block_nr = RING_FRAMES,
				   .tp_frame_size = RING_FRAME,
				   .tp_frame_nr = RING_FRAMES};
	char *ring;

	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)))
		cannot("no such ring of packets");
	if (setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &req,
		       version == TPACKET_V3 ? sizeof(req) : sizeof(struct tpacket_req)))
		cannot("no ring to send packets from");
	ring = mmap(NULL, RING_FRAMES * RING_FRAME, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED || bind(fd, (struct sockaddr *)&ll, sizeof(ll)))
		die("ring");
	return ring;
}

/* The status is written last: the frame is the kernel's from then on. */
static void ring_put(char *at, int version, size_t size)
{
	struct tpacket2_hdr *h2 = (struct tpacket2_hdr *)at;
	struct tpacket3_hdr *h3 = (struct tpacket3_hdr *)at;
	size_t header = version == TPACKET_V3 ? TPACKET3_HDRLEN : TPACKET2_HDRLEN;

	memcpy(at + header - sizeof(struct sockaddr_ll), frame, size);
	if (version == TPACKET_V3) {
		h3->tp_len = h3->tp_snaplen = size;
		h3->tp_next_offset = 0;
		__atomic_store_n(&h3->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
	} else {
		h2->tp_len = h2->tp_snaplen = size;
		__atomic_store_n(&h2->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
	}
}

static void ring_send(int fd, int version, unsigned long long count, size_t size)
{
	char *ring = ring_map(fd, version);

	while (count) {
		unsigned n = count < RING_FRAMES ? count : RING_FRAMES, i;
		ssize_t r;

		for (i = 0; i < n; i++)
			ring_put(ring + (moved.sent / size + i) % RING_FRAMES * RING_FRAME, version, size);
		r = send(fd, NULL, 0, 0); /* waits until all are out */
		if (r < 0)
			die("send");
		if (r != (ssize_t)(n * size)) {
			fprintf(stderr, "%zd of %zu bytes of the ring were sent\n", r, n * size);
			exit(1);
		}
		moved.sent += r;
		count -= n;
	}
}

static void one_by_one(int fd, unsigned long long count, size_t size, int sniff)
{
	unsigned long long sniffed = 0;

	if (sniff) {
		if (bind(fd, (struct sockaddr *)&ll, sizeof(ll)))
			die("bind");
		step("ready");
	}
	while (count--) {
		ssize_t r = sniff ? recv(fd, frame, sizeof(frame), 0)
				  : sendto(fd, frame, size, 0, (struct sockaddr *)&ll, sizeof(ll));

		if (r < 0)
			die(sniff ? "recv" : "sendto");
		*(sniff ? &sniffed : &moved.sent) += r;
		pace(r);
	}
	if (sniff)
		printf("sniffed %llu ", sniffed);
}

int main(int argc, char **argv)
{
	unsigned long long count, size;
	int fd, sniff;

	if (argc != 5)
		usage("send|dgram|ring2|ring3|sniff INTERFACE COUNT SIZE");
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
	if (!strcmp(argv[1], "ring2"))
		ring_send(fd, TPACKET_V2, count, size);
	else if (!strcmp(argv[1], "ring3"))
		ring_send(fd, TPACKET_V3, count, size);
	else
		one_by_one(fd, count, size, sniff);
	moved_say(&moved);
	return 0;
}
