/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * begin.c - TCP connections that begin in other ways than connect() here and accept() there.
 *   self     a socket at HOST PORT connects to itself and reads what it sent
 *   crossed  two, at PORT and PORT+1, connect to each other and nobody accepts; one returns what it gets
 *   repair   from PEER_SOURCE: the connection is taken apart in the middle and put together again in another
 *            socket, as a checkpointed program's is. What is written into the queues of the second was sent,
 *            or received, by the first, and does not count again.
 */
#include "tests/actors/actor.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>

#ifndef SIOCINQ /* linux/sockios.h */
#define SIOCINQ FIONREAD
#define SIOCOUTQ TIOCOUTQ
#endif

enum queue {
	QUEUE_RECV = 1,
	QUEUE_SEND
};

static struct moved moved;

/* Nothing that arrives from now on is taken in. */
static void deaf(int fd)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog drop = {1, &none};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &drop, sizeof(drop)))
		die("SO_ATTACH_FILTER");
}

static int bound(const char *host, unsigned port)
{
	struct sockaddr_storage ss;
	char text[8];
	socklen_t len;
	int fd;

	snprintf(text, sizeof(text), "%u", port);
	len = address(&ss, host, text);
	fd = socket(ss.ss_family, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(fd, (struct sockaddr *)&ss, len))
		die("bind");
	return fd;
}

static int connect_to(int fd, const char *host, unsigned port)
{
	struct sockaddr_storage ss;
	char text[8];
	socklen_t len;

	snprintf(text, sizeof(text), "%u", port);
	len = address(&ss, host, text);
	return connect(fd, (struct sockaddr *)&ss, len);
}

static void self(const char *host, unsigned port, unsigned long long bytes)
{
	int fd = bound(host, port);

	if (connect_to(fd, host, port))
		die("connect");
	for (; bytes; bytes -= bytes < 10000 ? bytes : 10000) {
		send_all(fd, bytes < 10000 ? bytes : 10000, &moved);
		receive_all(fd, bytes < 10000 ? bytes : 10000, &moved);
	}
	close(fd);
}

/* The first SYN finds nobody, and the answer to it (RST) is not heard. The second finds a socket that has
 * asked itself (RFC 9293, 3.5). */
static void crossed(const char *host, unsigned port, unsigned long long bytes)
{
	int a = bound(host, port), b = bound(host, port + 1);

	deaf(a);
	fcntl(a, F_SETFL, O_NONBLOCK);
	if (!connect_to(a, host, port + 1) || errno != EINPROGRESS)
		die("connect");
	setsockopt(a, SOL_SOCKET, SO_DETACH_FILTER, &(int){0}, sizeof(int));
	if (connect_to(b, host, port))
		die("connect back");
	fcntl(a, F_SETFL, 0);
	for (; bytes; bytes -= bytes < 10000 ? bytes : 10000) {
		unsigned long long n = bytes < 10000 ? bytes : 10000;

		send_all(a, n, &moved);
		receive_all(b, n, &moved);
		send_all(b, n, &moved);
		receive_all(a, n, &moved);
	}
	shutdown(a, SHUT_WR);
	finish(b, &moved);
	finish(a, &moved);
}

/* ---- repair: tcp(7) has nothing of it, criu.org/TCP_connection has */

struct half {
	uint32_t seq; /* of the byte behind the queue */
	int waiting;  /* bytes in the queue */
	char data[65536];
};

struct image {
	struct half send, recv;
	struct sockaddr_in here, there;
	struct tcp_repair_window window;
	struct tcp_info info;
	uint32_t stamp, mss;
};

static void option(int fd, int name, int value)
{
	if (setsockopt(fd, IPPROTO_TCP, name, &value, sizeof(value))) {
		if (name == TCP_REPAIR && errno == EPERM)
			cannot("no TCP_REPAIR here");
		die("TCP option");
	}
}

static void get(int fd, int name, void *value, socklen_t len)
{
	if (getsockopt(fd, IPPROTO_TCP, name, value, &len))
		die("getsockopt");
}

static void half_save(int fd, enum queue queue, struct half *half)
{
	option(fd, TCP_REPAIR_QUEUE, queue);
	get(fd, TCP_QUEUE_SEQ, &half->seq, sizeof(half->seq));
	if (ioctl(fd, queue == QUEUE_SEND ? SIOCOUTQ : SIOCINQ, &half->waiting))
		die("ioctl");
	if (half->waiting > (int)sizeof(half->data) ||
	    (half->waiting && recv(fd, half->data, half->waiting, MSG_PEEK | MSG_DONTWAIT) != half->waiting))
		die("peek at the queue");
}

static void save(int fd, struct image *i)
{
	socklen_t len = sizeof(i->here);

	getsockname(fd, (struct sockaddr *)&i->here, &len);
	getpeername(fd, (struct sockaddr *)&i->there, &len);
	get(fd, TCP_INFO, &i->info, sizeof(i->info));
	get(fd, TCP_MAXSEG, &i->mss, sizeof(i->mss));
	option(fd, TCP_REPAIR, TCP_REPAIR_ON);
	get(fd, TCP_TIMESTAMP, &i->stamp, sizeof(i->stamp));
	get(fd, TCP_REPAIR_WINDOW, &i->window, sizeof(i->window));
	half_save(fd, QUEUE_RECV, &i->recv);
	half_save(fd, QUEUE_SEND, &i->send);
	close(fd); /* without a word to the peer */
}

static void half_restore(int fd, enum queue queue, const struct half *half)
{
	option(fd, TCP_REPAIR_QUEUE, queue);
	if (half->waiting && send(fd, half->data, half->waiting, 0) != half->waiting)
		die("fill the queue");
}

static void options_restore(int fd, const struct image *i)
{
	struct tcp_repair_opt opts[] = {
		{TCPOPT_MAXSEG, i->mss},
		{TCPOPT_WINDOW, i->info.tcpi_snd_wscale | i->info.tcpi_rcv_wscale << 16},
		{TCPOPT_SACK_PERMITTED, 0},
		{TCPOPT_TIMESTAMP, 0},
	};

	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_OPTIONS, opts, sizeof(opts)))
		die("TCP_REPAIR_OPTIONS");
	option(fd, TCP_TIMESTAMP, i->stamp);
}

static int restore(const struct image *i)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	option(fd, TCP_REPAIR, TCP_REPAIR_ON);
	if (bind(fd, (const struct sockaddr *)&i->here, sizeof(i->here)))
		die("bind");
	option(fd, TCP_REPAIR_QUEUE, QUEUE_RECV);
	option(fd, TCP_QUEUE_SEQ, i->recv.seq - i->recv.waiting);
	option(fd, TCP_REPAIR_QUEUE, QUEUE_SEND);
	option(fd, TCP_QUEUE_SEQ, i->send.seq - i->send.waiting);
	if (connect(fd, (const struct sockaddr *)&i->there, sizeof(i->there)))
		die("connect");
	options_restore(fd, i);
	half_restore(fd, QUEUE_RECV, &i->recv);
	half_restore(fd, QUEUE_SEND, &i->send);
	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &i->window, sizeof(i->window)))
		die("TCP_REPAIR_WINDOW");
	option(fd, TCP_REPAIR, TCP_REPAIR_OFF);
	return fd;
}

/* A quarter is read, three quarters wait to be read, and 2,000 bytes more wait for the peer's word that they
 * have arrived: that is the moment. Nothing may come while there is no socket (it would be answered by RST):
 * the peer has nothing to send, its word has been said and not been heard, and the next repetition is far. */
static void repair(const char *host, const char *port, unsigned long long bytes)
{
	static struct image image;
	int fd = connected(SOCK_STREAM, 0, host, port), waiting = 0;

	request(fd, bytes, &moved);
	receive_all(fd, bytes / 4, &moved);
	while (waiting < (int)(bytes - bytes / 4)) {
		wait_ms(10);
		ioctl(fd, SIOCINQ, &waiting);
	}
	deaf(fd);
	send_all(fd, 2000, &moved);
	wait_ms(100);
	save(fd, &image);
	if (image.send.waiting != 2000 || image.recv.waiting != waiting)
		die("other bytes wait than should");
	fd = restore(&image);
	receive_all(fd, bytes - bytes / 4, &moved);
	send_all(fd, bytes, &moved);
	finish(fd, &moved);
}

int main(int argc, char **argv)
{
	if (argc != 5)
		usage("self|crossed|repair HOST PORT BYTES");
	if (!strcmp(argv[1], "self"))
		self(argv[2], atoi(argv[3]), amount(argv[4]));
	else if (!strcmp(argv[1], "crossed"))
		crossed(argv[2], atoi(argv[3]), amount(argv[4]));
	else
		repair(argv[2], argv[3], amount(argv[4]));
	moved_say(&moved);
	return 0;
}
