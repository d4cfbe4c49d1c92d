/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zerocopy.c - bytes that move without being copied.
 *   tcp, udp  MSG_ZEROCOPY, and every completion is read from the error queue, which is no traffic
 *   map       receives BYTES by having the kernel map them (TCP_ZEROCOPY_RECEIVE); what it cannot map it
 *             says, and recv() takes
 *   mapcopy   the same, but the call copies by itself what it cannot map (Linux 5.12)
 *   serve     the other side of both: sends BYTES such that on loopback they arrive in pages of their own,
 *             the only ones that the kernel will map
 */
#include "tests/actors/actor.h"

#include <linux/errqueue.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/mman.h>

#define PAGE 4096
#define ROOM (256 * PAGE)

/* linux/tcp.h, which cannot be included beside netinet/tcp.h. */
struct zerocopy_receive {
	uint64_t address;
	uint32_t length;
	uint32_t recv_skip_hint;
	uint32_t inq;
	int32_t err;
	uint64_t copybuf_address;
	int32_t copybuf_len;
	uint32_t flags;
	uint64_t msg_control;
	uint64_t msg_controllen;
	uint32_t msg_flags;
	uint32_t reserved;
};

static struct moved moved;

/* The sends that this message reports; a message of another kind reports none. */
static unsigned long long completions(struct msghdr *msg)
{
	struct cmsghdr *c;
	unsigned long long n = 0;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		struct sock_extended_err e;

		memcpy(&e, CMSG_DATA(c), sizeof(e));
		if (e.ee_origin == SO_EE_ORIGIN_ZEROCOPY)
			n += e.ee_data - e.ee_info + 1;
	}
	return n;
}

static void send_pages(int fd, unsigned long long bytes, size_t piece)
{
	char *buf = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long long sends = 0, done = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &(int){1}, sizeof(int)))
		cannot("no SO_ZEROCOPY");
	while (moved.sent < bytes || done < sends) {
		char control[256];
		struct msghdr msg = {.msg_control = control, .msg_controllen = sizeof(control)};
		unsigned long long left = bytes - moved.sent;
		ssize_t r = left ? send(fd, buf, left < piece ? left : piece, MSG_ZEROCOPY) : 0;

		if (r < 0 && errno != ENOBUFS) /* of memory for completions: read some */
			die("send");
		if (r > 0) {
			moved.sent += r;
			sends++;
		}
		if (moved.sent == bytes || r < 0)
			poll(&(struct pollfd){fd, 0, 0}, 1, 1000); /* POLLERR: there is a completion */
		if (recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0)
			done += completions(&msg);
	}
}

/* Segments of one page each: 4096 bytes and 12 of time stamps. What is sent without a copy is copied where
 * loopback delivers it, into new pages. */
static void serve(const char *host, const char *port, unsigned long long bytes)
{
	struct sockaddr_storage ss;
	socklen_t len = address(&ss, host, port);
	int l = socket(ss.ss_family, SOCK_STREAM, 0), fd;

	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	setsockopt(l, IPPROTO_TCP, TCP_MAXSEG, &(int){PAGE + 12}, sizeof(int));
	if (bind(l, (struct sockaddr *)&ss, len) || listen(l, 1))
		die("listen");
	step("ready");
	if ((fd = accept(l, NULL, NULL)) < 0)
		die("accept");
	send_pages(fd, bytes, 16 * PAGE);
	finish(fd, &moved);
}

static void map(const char *host, const char *port, unsigned long long bytes, int copying)
{
	int fd = connected(SOCK_STREAM, 0, host, port);
	char *room = mmap(NULL, ROOM, PROT_READ, MAP_SHARED, fd, 0);
	unsigned long long mapped = 0, copied = 0;
	static char rest[ROOM];

	if (room == MAP_FAILED)
		cannot("no TCP_ZEROCOPY_RECEIVE");
	while (moved.received < bytes) {
		struct zerocopy_receive z = {.address = (uintptr_t)room, .length = ROOM};
		socklen_t len = copying ? sizeof(z) : 16; /* up to recv_skip_hint */

		poll(&(struct pollfd){fd, POLLIN, 0}, 1, 1000);
		if (copying) {
			z.copybuf_address = (uintptr_t)rest;
			z.copybuf_len = sizeof(rest);
		}
		if (getsockopt(fd, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, &z, &len))
			cannot("no TCP_ZEROCOPY_RECEIVE");
		mapped += z.length;
		copied += z.copybuf_len;
		moved.received += z.length + z.copybuf_len;
		if (z.recv_skip_hint)
			receive_all(fd, z.recv_skip_hint, &moved);
	}
	finish(fd, &moved);
	printf("mapped %llu, copied by the call %llu\n", mapped, copied);
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 5)
		usage("tcp|udp|serve|map|mapcopy HOST PORT BYTES");
	if (!strcmp(argv[1], "tcp")) {
		fd = connected(SOCK_STREAM, 0, argv[2], argv[3]);
		send_pages(fd, amount(argv[4]), 16 * PAGE);
		finish(fd, &moved);
	} else if (!strcmp(argv[1], "udp")) {
		fd = connected(SOCK_DGRAM, 0, argv[2], argv[3]);
		send_pages(fd, amount(argv[4]), 1000);
	} else if (!strcmp(argv[1], "serve")) {
		serve(argv[2], argv[3], amount(argv[4]));
	} else {
		map(argv[2], argv[3], amount(argv[4]), !strcmp(argv[1], "mapcopy"));
	}
	moved_say(&moved);
	return 0;
}
