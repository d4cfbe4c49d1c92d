/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * calls.c - the less usual calls on one stream, BYTES in all.
 *   mixed    with PEER_ECHO: every call that sends and every call that receives in turn
 *   relay    from PEER_SOURCE to PEER_SINK of the same host, through a pipe, never through our memory
 *   urgent   sends, every thousandth byte as urgent data, and waits for a byte in answer
 *   hear     the other side of urgent: listens, reads urgent bytes apart (MSG_OOB)
 *   inline   the same, reads them in line
 *   all      from PEER_SOURCE, 100,000 bytes at a time (MSG_WAITALL)
 *   partial  a small buffer and MSG_DONTWAIT: most sends take less than was offered, or nothing
 *   more     sends in pieces of 10 bytes that wait for each other (MSG_MORE)
 *   stamped  sends with time stamps; the copies of what was sent that come with them are no traffic
 */
#include "tests/actors/actor.h"

#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/uio.h>

#define PIECE 1000

static const char *host, *port;
static unsigned long long bytes;
static struct moved moved;
static char buf[131072];

static int dial(void)
{
	return connected(SOCK_STREAM, 0, host, port);
}

static ssize_t send_by(int way, int fd, size_t n)
{
	struct iovec v[2] = {{buf, n / 2}, {buf, n - n / 2}};
	struct mmsghdr mm = {.msg_hdr = {.msg_iov = v, .msg_iovlen = 2}};

	switch (way) {
	case 0:
		return write(fd, buf, n);
	case 1:
		return writev(fd, v, 2);
	case 2:
		return pwritev2(fd, v, 2, -1, 0); /* -1: at the current place, all that a socket has */
	case 3:
		return send(fd, buf, n, 0);
	case 4:
		return sendto(fd, buf, n, 0, NULL, 0);
	case 5:
		return sendmsg(fd, &mm.msg_hdr, 0);
	default:
		return sendmmsg(fd, &mm, 1, 0) == 1 ? (ssize_t)mm.msg_len : -1;
	}
}

static ssize_t receive_by(int way, int fd, size_t n)
{
	struct iovec v[2] = {{buf, n / 2}, {buf, n - n / 2}};
	struct mmsghdr mm = {.msg_hdr = {.msg_iov = v, .msg_iovlen = 2}};

	switch (way) {
	case 0:
		return read(fd, buf, n);
	case 1:
		return readv(fd, v, 2);
	case 2:
		return preadv2(fd, v, 2, -1, 0);
	case 3:
		return recv(fd, buf, n, 0);
	case 4:
		return recvfrom(fd, buf, n, 0, NULL, NULL);
	case 5:
		return recvmsg(fd, &mm.msg_hdr, 0);
	default:
		return recvmmsg(fd, &mm, 1, 0, NULL) == 1 ? (ssize_t)mm.msg_len : -1;
	}
}

static void mixed(void)
{
	int fd = dial(), way = 0;

	for (; moved.sent < bytes; way = (way + 1) % 7) {
		ssize_t out = send_by(way, fd, PIECE), in;

		if (out <= 0)
			die("send");
		moved.sent += out;
		for (; out; out -= in, moved.received += in)
			if ((in = receive_by(way, fd, out)) <= 0)
				die("receive");
	}
	finish(fd, &moved);
}

static void relay(void)
{
	int from = dial(), to, pipes[2];
	char sink[8];

	snprintf(sink, sizeof(sink), "%d", PEER_SINK);
	to = connected(SOCK_STREAM, 0, host, sink);
	if (pipe(pipes))
		die("pipe");
	request(from, bytes, &moved);
	while (moved.received < bytes) {
		ssize_t in = splice(from, NULL, pipes[1], NULL, 65536, SPLICE_F_MOVE), out;

		if (in <= 0)
			die("splice");
		moved.received += in;
		for (; in; in -= out, moved.sent += out)
			if ((out = splice(pipes[0], NULL, to, NULL, in, SPLICE_F_MORE)) <= 0)
				die("splice");
	}
	finish(from, &moved);
	finish(to, &moved);
}

/* One urgent byte at a time: a second makes the first an ordinary one, which is read again if it was read. */
static void urgent(void)
{
	int fd = dial();

	while (moved.sent < bytes) {
		send_all(fd, PIECE - 1, &moved);
		if (send(fd, "!", 1, MSG_OOB) != 1)
			die("send");
		moved.sent++;
		receive_all(fd, 1, &moved);
	}
	finish(fd, &moved);
}

static int accept_one(void)
{
	struct sockaddr_storage ss;
	socklen_t len = address(&ss, host, port);
	int l = socket(ss.ss_family, SOCK_STREAM, 0), fd;

	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(l, (struct sockaddr *)&ss, len) || listen(l, 1))
		die("listen");
	step("ready");
	if ((fd = accept(l, NULL, NULL)) < 0)
		die("accept");
	return fd;
}

static void hear(void)
{
	int fd = accept_one();
	ssize_t r;

	while (moved.received < bytes) {
		struct pollfd p = {fd, POLLIN | POLLPRI, 0};

		poll(&p, 1, -1);
		if (p.revents & POLLPRI && recv(fd, buf, 1, MSG_OOB) == 1)
			moved.received++;
		if (p.revents & POLLIN && (r = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
			moved.received += r;
		if (moved.received == (moved.sent + 1) * PIECE)
			send_all(fd, 1, &moved);
	}
	finish(fd, &moved);
}

static void in_line(void)
{
	int fd = accept_one();

	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &(int){1}, sizeof(int));
	while (moved.received < bytes) {
		receive_all(fd, PIECE, &moved);
		send_all(fd, 1, &moved);
	}
	finish(fd, &moved);
}

static void all(void)
{
	int fd = dial();

	request(fd, bytes, &moved);
	while (moved.received < bytes) {
		unsigned long long left = bytes - moved.received;
		ssize_t r = recv(fd, buf, left < 100000 ? left : 100000, MSG_WAITALL);

		if (r <= 0)
			die("recv");
		moved.received += r;
	}
	finish(fd, &moved);
}

static void partial(void)
{
	int fd = dial(), refused = 0, less = 0;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){8192}, sizeof(int));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (moved.sent < bytes) {
		unsigned long long left = bytes - moved.sent;
		size_t n = left < sizeof(buf) ? left : sizeof(buf);
		ssize_t r = send(fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (r < 0 && errno != EAGAIN)
			die("send");
		if (r < 0) {
			refused++;
			poll(&(struct pollfd){fd, POLLOUT, 0}, 1, 1000);
			continue;
		}
		less += r < (ssize_t)n;
		moved.sent += r;
	}
	if (!refused || !less)
		die("no send was refused, or none was cut");
	fcntl(fd, F_SETFL, 0);
	finish(fd, &moved);
}

static void more(void)
{
	int fd = dial();

	while (moved.sent < bytes) {
		ssize_t r = send(fd, buf, 10, MSG_MORE);

		if (r < 0)
			die("send");
		moved.sent += r;
	}
	finish(fd, &moved);
}

/* What waits in the error queue: the bytes of copies. */
static unsigned long long copies(int fd)
{
	unsigned long long n = 0;
	char control[512];
	ssize_t r;

	for (;;) {
		struct iovec v = {buf, sizeof(buf)};
		struct msghdr msg = {.msg_iov = &v,
				     .msg_iovlen = 1,
				     .msg_control = control,
				     .msg_controllen = sizeof(control)};

		if ((r = recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT)) < 0)
			return n;
		n += r;
	}
}

static void stamped(void)
{
	int on = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_SOFTWARE |
		 SOF_TIMESTAMPING_OPT_ID;
	unsigned long long seen = 0;
	int fd = dial();

	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &on, sizeof(on)))
		cannot("no SO_TIMESTAMPING");
	while (moved.sent < bytes) {
		send_all(fd, PIECE, &moved);
		poll(&(struct pollfd){fd, 0, 0}, 1, 100); /* POLLERR: there is one */
		seen += copies(fd);
	}
	if (!seen)
		die("no copy came back");
	finish(fd, &moved);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} modes[] = {
		{"mixed", mixed},     {"relay", relay},	   {"urgent", urgent},
		{"hear", hear},	      {"inline", in_line}, {"all", all},
		{"partial", partial}, {"more", more},	   {"stamped", stamped},
	};
	size_t i;

	if (argc != 5)
		usage("MODE HOST PORT BYTES");
	host = argv[2];
	port = argv[3];
	bytes = amount(argv[4]);
	for (i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(modes[i].name, argv[1]))
			continue;
		modes[i].run();
		moved_say(&moved);
		return 0;
	}
	usage("MODE HOST PORT BYTES");
}
