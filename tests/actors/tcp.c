/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcp.c - a stream client, one way of moving bytes per mode. -p mptcp or sctp takes another protocol. The
 * third argument is bytes (per connection), the fourth a count where the mode has one.
 */
#include <fcntl.h>
#include <linux/errqueue.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "tests/actors/actor.h"

static const char *host, *port;
static int protocol;
static unsigned long long bytes, count;
static struct moved moved;

static int dial(void)
{
	return connected(SOCK_STREAM, protocol, host, port);
}

static int file_of(unsigned long long size)
{
	FILE *f = tmpfile();

	if (!f || ftruncate(fileno(f), size))
		die("tmpfile");
	return fileno(f);
}

static void up(void)
{
	int fd = dial();

	send_all(fd, bytes, &moved);
	finish(fd, &moved);
}

static void down(void)
{
	int fd = dial();

	request(fd, bytes, &moved);
	receive_all(fd, bytes, &moved);
	finish(fd, &moved);
}

static void *sender(void *arg)
{
	send_all(*(int *)arg, bytes, &moved);
	return NULL;
}

static void duplex(void)
{
	int fd = dial();
	pthread_t t;

	request(fd, bytes, &moved);
	if (pthread_create(&t, NULL, sender, &fd))
		die("pthread_create");
	receive_all(fd, bytes, &moved);
	pthread_join(t, NULL);
	finish(fd, &moved);
}

/* count pieces, 10 ms apart if no rate says otherwise */
static void drip(void)
{
	unsigned long long i;
	int fd = dial();

	for (i = 0; i < count; i++) {
		send_all(fd, bytes / count, &moved);
		if (!rate())
			wait_ms(10);
	}
	finish(fd, &moved);
}

static void many(void)
{
	while (count--)
		up();
}

static void parallel(void)
{
	int *fds = calloc(count, sizeof(*fds));
	unsigned long long i;

	for (i = 0; i < count; i++)
		fds[i] = dial();
	for (i = 0; i < count; i++)
		send_all(fds[i], bytes, &moved);
	for (i = 0; i < count; i++)
		finish(fds[i], &moved);
	free(fds);
}

static void send_file(void)
{
	int fd = dial(), file = file_of(bytes);
	unsigned long long left = bytes;

	while (left) {
		ssize_t r = sendfile(fd, file, NULL, piece(left));

		if (r <= 0)
			die("sendfile");
		moved.sent += r;
		left -= r;
		pace(r);
	}
	finish(fd, &moved);
}

static void move(int from, int to, unsigned long long n)
{
	while (n) {
		ssize_t r = splice(from, NULL, to, NULL, n, SPLICE_F_MOVE);

		if (r <= 0)
			die("splice");
		n -= r;
	}
}

static void splice_out(void)
{
	int fd = dial(), file = file_of(bytes), pipes[2];
	unsigned long long left = bytes;

	if (pipe(pipes))
		die("pipe");
	while (left) {
		ssize_t r = splice(file, NULL, pipes[1], NULL, left < 65536 ? left : 65536, 0);

		if (r <= 0)
			die("splice");
		move(pipes[0], fd, r);
		moved.sent += r;
		left -= r;
	}
	finish(fd, &moved);
}

static void splice_in(void)
{
	int fd = dial(), null = open("/dev/null", O_WRONLY), pipes[2];
	ssize_t r;

	if (pipe(pipes))
		die("pipe");
	request(fd, bytes, &moved);
	while (moved.received < bytes) {
		r = splice(fd, NULL, pipes[1], NULL, 65536, 0);
		if (r <= 0)
			die("splice");
		moved.received += r;
		move(pipes[0], null, r);
		pace(r);
	}
	finish(fd, &moved);
}

/* The end of the stream waits behind the bytes before the first is read. */
static void splice_end(void)
{
	int fd = dial(), null = open("/dev/null", O_WRONLY), pipes[2];
	ssize_t r;

	if (pipe(pipes))
		die("pipe");
	request(fd, bytes, &moved);
	shutdown(fd, SHUT_WR);
	usleep(300000);
	while ((r = splice(fd, NULL, pipes[1], NULL, 65536, 0)) > 0) {
		moved.received += r;
		move(pipes[0], null, r);
	}
	if (r < 0)
		die("splice");
	close(fd);
}

/* MSG_TRUNC on a stream reads without copying. */
static void discard(void)
{
	int fd = dial();

	request(fd, bytes, &moved);
	while (moved.received < bytes) {
		ssize_t r = recv(fd, NULL, bytes - moved.received, MSG_TRUNC);

		if (r <= 0)
			die("recv");
		moved.received += r;
	}
	finish(fd, &moved);
}

/* What is looked at is not received: everything is peeked once and read once. */
static void peek(void)
{
	int fd = dial();
	char buf[4096];

	request(fd, bytes, &moved);
	while (moved.received < bytes) {
		ssize_t r = recv(fd, buf, sizeof(buf), MSG_PEEK);

		if (r <= 0)
			die("recv");
		receive_all(fd, r, &moved);
	}
	finish(fd, &moved);
}

static void vectors(void)
{
	char a[100], b[3000];
	struct iovec v[2] = {{a, sizeof(a)}, {b, sizeof(b)}};
	int fd = dial();

	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	while (moved.sent < bytes) {
		ssize_t r = writev(fd, v, 2);

		if (r < 0)
			die("writev");
		moved.sent += r;
	}
	finish(fd, &moved);
}

static void zerocopy(void)
{
	static char buf[65536];
	int fd = dial();

	if (setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &(int){1}, sizeof(int)))
		cannot("no SO_ZEROCOPY");
	while (moved.sent < bytes) {
		size_t n = bytes - moved.sent;
		ssize_t r = send(fd, buf, n < sizeof(buf) ? n : sizeof(buf), MSG_ZEROCOPY);

		if (r < 0)
			die("send");
		moved.sent += r;
	}
	finish(fd, &moved);
}

/* The first bytes go with the SYN where the peer's cookie is known, behind it otherwise. */
static void fastopen(void)
{
	struct sockaddr_storage ss;
	socklen_t len = address(&ss, host, port);
	char buf[1000] = "";

	while (count--) {
		int fd = socket(ss.ss_family, SOCK_STREAM, 0);
		ssize_t r = sendto(fd, buf, bytes < 1000 ? bytes : 1000, MSG_FASTOPEN, (void *)&ss, len);

		if (r < 0)
			die("sendto");
		moved.sent += r;
		finish(fd, &moved);
	}
}

static void reset(void)
{
	struct linger now = {1, 0};
	int fd = dial();

	request(fd, 100000, &moved); /* some of the answer stays unread */
	send_all(fd, bytes, &moved);
	receive_all(fd, 1000, &moved);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

/* The peer resets: the first bytes arrive, later ones may fail. */
static void was_reset(void)
{
	char buf[1000] = "";
	int fd = dial();

	if (send(fd, buf, bytes < 1000 ? bytes : 1000, MSG_NOSIGNAL) < 0)
		die("send");
	moved.sent += bytes < 1000 ? bytes : 1000;
	if (recv(fd, buf, 1, 0) >= 0)
		die("no reset");
	close(fd);
}

static void half_close(void)
{
	int fd = dial();

	send_all(fd, bytes, &moved);
	shutdown(fd, SHUT_WR);
	receive_all(fd, ~0ULL, &moved); /* from PEER_ECHO */
	close(fd);
}

static void nothing(void)
{
	finish(dial(), &moved);
}

/* Half of it, a line on stdin, the other half. */
static void hold(void)
{
	int fd = dial(), c;

	send_all(fd, bytes / 2, &moved);
	step("half");
	while ((c = getchar()) != '\n' && c != EOF)
		;
	send_all(fd, bytes - bytes / 2, &moved);
	finish(fd, &moved);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} modes[] = {
		{"up", up},
		{"down", down},
		{"duplex", duplex},
		{"drip", drip},
		{"many", many},
		{"parallel", parallel},
		{"sendfile", send_file},
		{"splice_out", splice_out},
		{"reset", reset},
		{"half", half_close},
		{"splice_in", splice_in},
		{"splice_end", splice_end},
		{"was_reset", was_reset},
		{"none", nothing},
		{"hold", hold},
		{"discard", discard},
		{"peek", peek},
		{"vectors", vectors},
		{"zerocopy", zerocopy},
		{"fastopen", fastopen},
	};
	size_t i;

	if (argc > 2 && !strcmp(argv[1], "-p")) {
		protocol = !strcmp(argv[2], "mptcp") ? IPPROTO_MPTCP : IPPROTO_SCTP;
		argc -= 2;
		argv += 2;
	}
	if (argc < 4)
		usage("[-p mptcp|sctp] MODE HOST PORT [BYTES [COUNT]]");
	host = argv[2];
	port = argv[3];
	bytes = argc > 4 ? amount(argv[4]) : 0;
	count = argc > 5 ? amount(argv[5]) : 1;
	for (i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(modes[i].name, argv[1]))
			continue;
		modes[i].run();
		moved_say(&moved);
		return 0;
	}
	usage("[-p mptcp|sctp] MODE HOST PORT [BYTES [COUNT]]");
}
