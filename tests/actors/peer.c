/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer.c - the other side: every service of enum peer_port, TCP and UDP, both families, one process, one
 * epoll loop. Prints "ready" when all of them listen. On SIGTERM it says what it moved and exits.
 */
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include "tests/actors/actor.h"

struct conn {
	int fd;
	int service;
	int listening, udp;
	int eof;
	unsigned got; /* bytes of the request */
	unsigned char asked[8];
	unsigned long long owed; /* bytes still to send */
	uint32_t events;
};

static struct moved total;
static int poll_fd;
static char buffer[262144];

static void watch(struct conn *c, uint32_t events, int op)
{
	struct epoll_event e = {.events = events, .data.ptr = c};

	if (op == EPOLL_CTL_MOD && c->events == events)
		return;
	c->events = events;
	if (epoll_ctl(poll_fd, op, c->fd, &e))
		die("epoll_ctl");
}

static struct conn *conn_new(int fd, int service)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		die("calloc");
	c->fd = fd;
	c->service = service;
	return c;
}

static void listen_on(int service, int type, int protocol)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(service)};
	int on = 1, off = 0, big = 8 << 20, fd = socket(AF_INET6, type | SOCK_NONBLOCK, protocol);
	struct conn *c;

	if (fd < 0 && protocol)
		return;
	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &(int){64}, sizeof(int));
	if (type == SOCK_DGRAM)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)))
		die("bind");
	if (type != SOCK_DGRAM && listen(fd, 4096))
		die("listen");
	c = conn_new(fd, service);
	c->listening = type != SOCK_DGRAM;
	c->udp = type == SOCK_DGRAM;
	watch(c, EPOLLIN, EPOLL_CTL_ADD);
}

static void accept_all(struct conn *l)
{
	int fd;

	while ((fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0)
		watch(conn_new(fd, l->service), EPOLLIN, EPOLL_CTL_ADD);
}

static void datagrams(struct conn *c)
{
	struct sockaddr_in6 from;
	socklen_t len;
	ssize_t r;

	while (len = sizeof(from),
	       (r = recvfrom(c->fd, buffer, 65536, 0, (struct sockaddr *)&from, &len)) >= 0) {
		size_t back = r;
		int i, n = c->service == PEER_ECHO;

		total.received += r;
		if (c->service == PEER_SOURCE && r == 8) { /* count and size of the answer, 4 bytes each */
			uint32_t ask[2];

			memcpy(ask, buffer, 8);
			n = ntohl(ask[0]);
			back = ntohl(ask[1]) & 0xffff;
		}
		for (i = 0; i < n; i++)
			if ((r = sendto(c->fd, buffer, back, 0, (struct sockaddr *)&from, len)) > 0)
				total.sent += r;
	}
}

static void conn_close(struct conn *c, int reset)
{
	struct linger now = {1, 0};

	if (reset)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(c->fd);
	free(c);
}

/* What PEER_SOURCE was asked for, as far as it has come; the rest of the input is read and dropped. */
static void take(struct conn *c, size_t n)
{
	size_t i;
	uint64_t be;

	if (c->service == PEER_ECHO)
		c->owed += n;
	if (c->service != PEER_SOURCE && c->service != PEER_SOURCE2 && c->service != PEER_SCTP)
		return;
	for (i = 0; i < n && c->got < 8; i++) {
		c->asked[c->got++] = buffer[i];
		if (c->got == 8) {
			memcpy(&be, c->asked, 8);
			c->owed = be64toh(be);
		}
	}
}

static void serve(struct conn *c)
{
	ssize_t r = -1;

	while (!c->eof && (r = recv(c->fd, buffer, sizeof(buffer), 0)) > 0) {
		total.received += r;
		if (c->service == PEER_RESET) {
			conn_close(c, 1);
			return;
		}
		take(c, r);
	}
	if (r == 0)
		c->eof = 1;
	else if (r < 0 && !c->eof && errno != EAGAIN) {
		conn_close(c, 0);
		return;
	}
	while (c->owed) {
		r = send(c->fd, buffer, c->owed < 65536 ? c->owed : 65536, MSG_NOSIGNAL);
		if (r < 0 && errno == EAGAIN) {
			watch(c, EPOLLOUT | (c->eof ? 0 : EPOLLIN), EPOLL_CTL_MOD);
			return;
		}
		if (r < 0) {
			conn_close(c, 0);
			return;
		}
		total.sent += r;
		c->owed -= r;
	}
	if (c->eof)
		conn_close(c, 0);
	else
		watch(c, EPOLLIN, EPOLL_CTL_MOD);
}

int main(void)
{
	static const int services[] = {PEER_SINK,  PEER_SOURCE, PEER_ECHO,  PEER_RESET,	 PEER_SINK2,
				       PEER_SINK3, PEER_DNS,	PEER_HTTPS, PEER_SOURCE2};
	struct rlimit many = {65536, 65536};
	struct epoll_event e[64];
	sigset_t stop;
	size_t s;
	int i, n;

	alarm(5 * ACTOR_SECONDS);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	setrlimit(RLIMIT_NOFILE, &many);
	poll_fd = epoll_create1(0);
	watch(conn_new(signalfd(-1, &stop, 0), 0), EPOLLIN, EPOLL_CTL_ADD);
	for (s = 0; s < sizeof(services) / sizeof(*services); s++) {
		listen_on(services[s], SOCK_STREAM, 0);
		listen_on(services[s], SOCK_DGRAM, 0);
	}
	listen_on(PEER_MPTCP, SOCK_STREAM, IPPROTO_MPTCP);
	listen_on(PEER_SCTP, SOCK_STREAM, IPPROTO_SCTP);
	listen_on(PEER_ECHO, SOCK_DGRAM, IPPROTO_UDPLITE);
	step("ready");
	for (;;) {
		n = epoll_wait(poll_fd, e, 64, -1);
		for (i = 0; i < n; i++) {
			struct conn *c = e[i].data.ptr;

			if (!c->service) {
				moved_say(&total);
				return 0;
			}
			if (c->listening)
				accept_all(c);
			else if (c->udp)
				datagrams(c);
			else
				serve(c);
		}
	}
}
