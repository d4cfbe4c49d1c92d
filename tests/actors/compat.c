/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compat.c - the system calls of a 32-bit program (int $0x80), which the kernel translates: COUNT rounds of
 * each call that sends and each that receives, SIZE bytes a time, with PEER_ECHO.
 *   tcp, udp  connected
 *   to        UDP, every message names the peer
 *   ping      ICMP echo requests by sendto and sendmsg; PORT is ignored
 */
#include "tests/actors/actor.h"

#include <netinet/ip_icmp.h>
#include <signal.h>
#include <sys/mman.h>

#if defined(__x86_64__)

/* arch/x86/entry/syscalls/syscall_32.tbl; socketcall takes all its arguments from memory */
#define CALL_READ 3
#define CALL_WRITE 4
#define CALL_GETPID 20
#define CALL_SOCKETCALL 102
#define CALL_READV 145
#define CALL_WRITEV 146

enum { /* linux/net.h */
	SEND = 9,
	RECV = 10,
	SENDTO = 11,
	RECVFROM = 12,
	SENDMSG = 16,
	RECVMSG = 17,
	RECVMMSG = 19,
	SENDMMSG = 20,
};

struct iovec32 {
	uint32_t base, len;
};

struct mmsghdr32 {
	uint32_t name, name_len, iov, iov_len, control, control_len, flags;
	uint32_t len;
};

/* All that the kernel is given must lie below 4 GiB. */
static struct low {
	uint32_t args[6];
	struct mmsghdr32 mm[2];
	struct iovec32 iov[2];
	struct sockaddr_storage to;
	char data[4096];
} * low;

static struct moved moved;
static size_t size;
static int fd;

static uint32_t at(const void *p)
{
	return (uintptr_t)p;
}

static long call(long number, long a, long b, long c)
{
	long r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(number), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)r;
}

static long socket_call(int what, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t f)
{
	uint32_t args[6] = {fd, b, c, d, e, f};

	memcpy(low->args, args, sizeof(args));
	return call(CALL_SOCKETCALL, what, at(low->args), 0);
}

/* Two messages of half the size each, or one in two pieces. */
static void prepare(socklen_t name_len, int messages)
{
	int i;

	memset(low->mm, 0, sizeof(low->mm));
	for (i = 0; i < 2; i++) {
		low->iov[i] =
			(struct iovec32){at(low->data + i * (size / 2)), i ? size - size / 2 : size / 2};
		low->mm[i].iov = at(&low->iov[i]);
		low->mm[i].iov_len = messages == 2 ? 1 : 2;
		low->mm[i].name = name_len ? at(&low->to) : 0;
		low->mm[i].name_len = name_len;
	}
}

static void sent(long r)
{
	if (r < 0) {
		errno = -r;
		die("send");
	}
	moved.sent += r;
}

static void received(long r)
{
	if (r <= 0) {
		errno = -r;
		die("receive");
	}
	moved.received += r;
}

/* A stream may bring fewer bytes at a time than were sent. */
static void rest(unsigned long long until)
{
	while (moved.received < until)
		received(socket_call(RECV, at(low->data), until - moved.received, 0, 0, 0));
}

static void send_mm(void)
{
	int i, n = socket_call(SENDMMSG, at(low->mm), 2, 0, 0, 0);

	for (i = 0; i < n || !i; i++)
		sent(n < 1 ? n : (long)low->mm[i].len);
}

static void receive_mm(void)
{
	int i, n = socket_call(RECVMMSG, at(low->mm), 2, MSG_WAITFORONE, 0, 0);

	for (i = 0; i < n || !i; i++)
		received(n < 1 ? n : (long)low->mm[i].len);
}

static void round_connected(void)
{
	prepare(0, 1);
	sent(call(CALL_WRITE, fd, at(low->data), size));
	received(call(CALL_READ, fd, at(low->data), size));
	rest(moved.sent);
	sent(call(CALL_WRITEV, fd, at(low->iov), 2));
	received(call(CALL_READV, fd, at(low->iov), 2));
	rest(moved.sent);
	sent(socket_call(SEND, at(low->data), size, 0, 0, 0));
	received(socket_call(RECV, at(low->data), size, 0, 0, 0));
	rest(moved.sent);
	sent(socket_call(SENDMSG, at(low->mm), 0, 0, 0, 0));
	received(socket_call(RECVMSG, at(low->mm), 0, 0, 0, 0));
	rest(moved.sent);
	prepare(0, 2);
	send_mm();
	receive_mm();
	rest(moved.sent);
}

static void round_to(socklen_t len)
{
	prepare(len, 1);
	sent(socket_call(SENDTO, at(low->data), size, 0, at(&low->to), len));
	received(socket_call(RECVFROM, at(low->data), size, 0, 0, 0));
	sent(socket_call(SENDMSG, at(low->mm), 0, 0, 0, 0));
	received(socket_call(RECVMSG, at(low->mm), 0, 0, 0, 0));
	prepare(len, 2);
	send_mm();
	receive_mm();
	rest(moved.sent);
}

static void round_ping(socklen_t len)
{
	struct icmphdr *h = (struct icmphdr *)low->data;

	memset(low->data, 0, sizeof(low->data));
	h->type = ICMP_ECHO;
	prepare(len, 1);
	sent(socket_call(SENDTO, at(low->data), size, 0, at(&low->to), len));
	received(socket_call(RECV, at(low->data), size, 0, 0, 0));
	h->type = ICMP_ECHO;
	sent(socket_call(SENDMSG, at(low->mm), 0, 0, 0, 0));
	received(socket_call(RECVMSG, at(low->mm), 0, 0, 0, 0));
}

static _Noreturn void no_such_call(int sig)
{
	(void)sig;
	cannot("this kernel runs no 32-bit programs");
}

int main(int argc, char **argv)
{
	struct timeval limit = {.tv_sec = 5};
	unsigned long long count;
	int naming, ping;
	socklen_t len;

	if (argc != 6)
		usage("tcp|udp|to|ping HOST PORT COUNT SIZE");
	signal(SIGSEGV, no_such_call);
	if (call(CALL_GETPID, 0, 0, 0) != getpid())
		no_such_call(0);
	low = mmap(NULL, sizeof(*low), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1,
		   0);
	if (low == MAP_FAILED)
		die("memory");
	ping = !strcmp(argv[1], "ping");
	naming = ping || !strcmp(argv[1], "to");
	len = address(&low->to, argv[2], argv[3]);
	count = amount(argv[4]);
	size = amount(argv[5]);
	fd = socket(low->to.ss_family, !strcmp(argv[1], "tcp") ? SOCK_STREAM : SOCK_DGRAM,
		    ping ? IPPROTO_ICMP : 0);
	if (fd < 0 && ping)
		cannot("ping_group_range excludes this group");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (!naming && connect(fd, (struct sockaddr *)&low->to, len))
		die("connect");
	while (count--)
		if (ping)
			round_ping(len);
		else if (naming)
			round_to(len);
		else
			round_connected();
	if (!strcmp(argv[1], "tcp"))
		finish(fd, &moved);
	moved_say(&moved);
	return 0;
}

#else

int main(void)
{
	cannot("only an x86 kernel has two kinds of system calls");
}

#endif
