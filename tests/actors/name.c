/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * name.c - a program with a resolver of its own, linked statically: no library says what it asks for.
 *
 *   name ask udp|sendto|tcp|go SERVER NAME 4|6 PORT [WAIT_MS]
 *             ask SERVER for NAME's address, over a connected, an unconnected or a TCP socket, or as programs
 *             in Go do; wait; send 100 bytes to PORT of the last address
 *
 *   name forge SERVER NAME HOST PORT
 *             ask SERVER for NAME's address, and have another thread write HOST over it in the answer; send
 *             100 bytes to PORT of HOST
 *
 *   name go HOST PORT
 *             the same to an address, without a name
 *
 *   name sink PORT
 *             whom they go to: reads whatever comes, over TCP and UDP, until it is killed
 */
#include <arpa/nameser.h>
#include <poll.h>
#include <pthread.h>

#include "tests/actors/actor.h"

#define BYTES 100

static struct moved moved;

static socklen_t numeric(struct sockaddr_storage *ss, const char *host, int port)
{
	struct sockaddr_in *v4 = (void *)ss;
	struct sockaddr_in6 *v6 = (void *)ss;

	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
		usage("...: not an address");
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return sizeof(*v6);
}

/* With two bytes of room before it for TCP's length; the length without them. */
static size_t question(unsigned char *msg, const char *name, int type)
{
	unsigned char *at = msg + 12;

	memcpy(msg, "\x4e\x53\1\0\0\1\0\0\0\0\0\0", 12); /* recursion desired */
	while (*name) {
		size_t len = strcspn(name, ".");

		*at++ = len;
		memcpy(at, name, len);
		at += len;
		name += len + (name[len] == '.');
	}
	memcpy(at, "\0\0\0\0\1", 5);
	at[2] = type;
	return at + 5 - msg;
}

static void read_all(int fd, unsigned char *to, size_t n)
{
	while (n) {
		ssize_t r = read(fd, to, n);

		if (r <= 0)
			die("read");
		moved.received += r;
		to += r;
		n -= r;
	}
}

static size_t ask_tcp(const struct sockaddr_storage *server, socklen_t len, unsigned char *msg, size_t n)
{
	int fd = socket(server->ss_family, SOCK_STREAM, 0);

	if (connect(fd, (const void *)server, len))
		die("connect");
	msg[-2] = n >> 8;
	msg[-1] = n;
	if (write(fd, msg - 2, n + 2) != (ssize_t)n + 2)
		die("write");
	moved.sent += n + 2;
	read_all(fd, msg - 2, 2); /* as the C library does */
	n = msg[-2] << 8 | msg[-1];
	read_all(fd, msg, n);
	close(fd);
	return n;
}

static size_t ask_udp(const struct sockaddr_storage *server, socklen_t len, int connect_it,
		      unsigned char *msg, size_t n)
{
	int fd = socket(server->ss_family, SOCK_DGRAM, 0);
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	ssize_t r;

	if (connect_it && connect(fd, (const void *)server, len))
		die("connect");
	r = connect_it ? send(fd, msg, n, 0) : sendto(fd, msg, n, 0, (const void *)server, len);
	if (r != (ssize_t)n)
		die("send");
	moved.sent += n;
	r = connect_it ? recv(fd, msg, 4096, 0) : recvfrom(fd, msg, 4096, 0, (void *)&from, &from_len);
	if (r < 0)
		die("recv");
	moved.received += r;
	close(fd);
	return r;
}

/* EDNS (RFC 6891): a longer answer may come. */
static size_t add_options(unsigned char *msg, size_t n)
{
	memcpy(msg + n, "\0\0\x29\x04\xd0\0\0\0\0\0\0", 11);
	msg[11] = 1;
	return n + 11;
}

static int asked_at_once(const struct sockaddr_storage *server, socklen_t len, const unsigned char *msg,
			 size_t n)
{
	int fd = socket(server->ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	if (connect(fd, (const void *)server, len))
		die("connect");
	if (write(fd, msg, n) != (ssize_t)n)
		die("write");
	moved.sent += n;
	return fd;
}

/* Both kinds of address at once, from a socket each; what does not fit is asked for again over TCP. The
 * answer of the kind that msg asks for. */
static size_t ask_go(const struct sockaddr_storage *server, socklen_t len, unsigned char *msg, size_t n)
{
	unsigned char other[1232], question[512];
	struct pollfd fds[2] = {{.events = POLLIN}, {.events = POLLIN}};
	ssize_t r[2] = {0, 0};

	memcpy(other, msg, n);
	other[1]++; /* the number of the question */
	other[n - 3] = other[n - 3] == ns_t_a ? ns_t_aaaa : ns_t_a;
	n = add_options(msg, n);
	add_options(other, n - 11);
	memcpy(question, msg, n);
	fds[0].fd = asked_at_once(server, len, msg, n);
	fds[1].fd = asked_at_once(server, len, other, n);
	while (!r[0] || !r[1]) {
		poll(fds, 2, -1);
		for (int i = 0; i < 2; i++) {
			if (!fds[i].revents)
				continue;
			if ((r[i] = read(fds[i].fd, i ? other : msg, sizeof(other))) <= 0)
				die("read");
			moved.received += r[i];
			close(fds[i].fd);
			fds[i].fd = -1;
		}
	}
	if (!(msg[2] & 2))
		return r[0];
	memcpy(msg, question, n);
	return ask_tcp(server, len, msg, n);
}

/* The last address in the answer, as in lookup.c. It may stand behind CNAMEs. */
static void last_address(const unsigned char *msg, size_t n, int type, char text[INET6_ADDRSTRLEN])
{
	const unsigned char *at = msg + 12, *end = msg + n;

	text[0] = '\0';
	at += ns_name_skip(&at, end) ? 0 : 4;
	while (at < end && ns_name_skip(&at, end) == 0) {
		if (at[0] == 0 && at[1] == type)
			inet_ntop(type == ns_t_a ? AF_INET : AF_INET6, at + 10, text, INET6_ADDRSTRLEN);
		at += 10 + (at[8] << 8 | at[9]);
	}
	errno = ENOENT;
	if (!text[0])
		die("no address");
}

static void go(const char *host, int port)
{
	struct sockaddr_storage to;
	socklen_t len = numeric(&to, host, port);
	int fd = socket(to.ss_family, SOCK_STREAM, 0);

	if (connect(fd, (void *)&to, len))
		die("connect");
	send_all(fd, BYTES, &moved);
	close(fd);
}

static void ask(char **argv, int wait)
{
	unsigned char buffer[4098], *msg = buffer + 2;
	int type = atoi(argv[3]) == 6 ? ns_t_aaaa : ns_t_a;
	size_t n = question(msg, argv[2], type);
	char text[INET6_ADDRSTRLEN];
	struct sockaddr_storage server;
	socklen_t len = numeric(&server, argv[1], NS_DEFAULTPORT);

	if (!strcmp(argv[0], "tcp"))
		n = ask_tcp(&server, len, msg, n);
	else if (!strcmp(argv[0], "go"))
		n = ask_go(&server, len, msg, n);
	else
		n = ask_udp(&server, len, !strcmp(argv[0], "udp"), msg, n);
	last_address(msg, n, type, text);
	wait_ms(wait);
	go(text, atoi(argv[4]));
}

/* ---- an answer that its receiver rewrites */

static struct forger {
	volatile unsigned char *msg;
	unsigned char from[4], to[4];
} forger;

/* Wherever the address stands, as often as it can. */
static void *rewrite(void *unused)
{
	for (;;)
		for (int i = 12; i < 512; i++)
			if (forger.msg[i] == forger.from[0] && forger.msg[i + 1] == forger.from[1] &&
			    forger.msg[i + 2] == forger.from[2] && forger.msg[i + 3] == forger.from[3])
				for (int j = 0; j < 4; j++)
					forger.msg[i + j] = forger.to[j];
	return unused;
}

/* Until it was told the forged address often enough to be sure that somebody else has read it, too. */
static void forge(char **argv)
{
	static unsigned char buffer[4098];
	unsigned char *msg = buffer + 2;
	char text[INET6_ADDRSTRLEN];
	struct sockaddr_storage server;
	socklen_t len = numeric(&server, argv[0], NS_DEFAULTPORT);
	pthread_t thread;

	forger.msg = msg;
	if (inet_pton(AF_INET, argv[0], forger.from) != 1 || inet_pton(AF_INET, argv[2], forger.to) != 1 ||
	    pthread_create(&thread, NULL, rewrite, NULL))
		die("forge");
	for (int i = 0; i < 500; i++) {
		size_t n = ask_udp(&server, len, 1, msg, question(msg, argv[1], ns_t_a));

		last_address(msg, n, ns_t_a, text);
	}
	go(argv[2], atoi(argv[3]));
}

static _Noreturn void sink(int port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct pollfd fds[64] = {{.events = POLLIN}, {.events = POLLIN}};
	static char buffer[65536];
	int n = 2;

	fds[0].fd = socket(AF_INET6, SOCK_STREAM, 0);
	fds[1].fd = socket(AF_INET6, SOCK_DGRAM, 0);
	setsockopt(fds[0].fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(fds[0].fd, (void *)&any, sizeof(any)) || bind(fds[1].fd, (void *)&any, sizeof(any)) ||
	    listen(fds[0].fd, 64))
		die("bind");
	puts("ready");
	fflush(stdout);
	while (poll(fds, n, -1) > 0) {
		if (fds[0].revents && n < 64)
			fds[n++] = (struct pollfd){.fd = accept(fds[0].fd, NULL, NULL), .events = POLLIN};
		for (int i = 1; i < n; i++) {
			if (!fds[i].revents || read(fds[i].fd, buffer, sizeof(buffer)) > 0 || i == 1)
				continue;
			close(fds[i].fd);
			fds[i--] = fds[--n];
		}
	}
	die("poll");
}

int main(int argc, char **argv)
{
	if (argc >= 7 && !strcmp(argv[1], "ask"))
		ask(argv + 2, argc > 7 ? atoi(argv[7]) : 0);
	else if (argc == 6 && !strcmp(argv[1], "forge"))
		forge(argv + 2);
	else if (argc == 4 && !strcmp(argv[1], "go"))
		go(argv[2], atoi(argv[3]));
	else if (argc == 3 && !strcmp(argv[1], "sink"))
		sink(atoi(argv[2]));
	else
		usage("ask udp|sendto|tcp|go SERVER NAME 4|6 PORT [WAIT_MS] | forge SERVER NAME HOST PORT | "
		      "go HOST PORT | sink PORT");
	printf("sent %llu received %llu\n", moved.sent, moved.received);
	return 0;
}
