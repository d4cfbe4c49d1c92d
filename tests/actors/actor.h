/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * actor.h - what the actors share. An actor is a tiny program that moves bytes in one particular way and then
 * says what the system calls reported: "sent N received M" on stdout, the numbers femtosnitch must have. It
 * exits 1 with the reason when it could not do its job, and ACTOR_SKIP when this machine cannot; after
 * ACTOR_SECONDS it is killed by its own alarm, so that a test that went wrong ends. Amounts may end in k or m
 * (1024). ACTOR_RATE in the environment, an amount per second, slows each thread down to it. Everything is
 * static inline: there is no library of actors.
 */
#ifndef FEMTOSNITCH_ACTOR_H
#define FEMTOSNITCH_ACTOR_H

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ACTOR_SKIP 77
#define ACTOR_SECONDS 120

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* What the peer listens on, TCP and UDP; see peer.c. */
enum peer_port {
	PEER_SINK = 7001,   /* reads until the end, then closes */
	PEER_SOURCE = 7002, /* TCP: 8 bytes of amount, then that many come back; UDP: amount per request */
	PEER_ECHO = 7003,
	PEER_RESET = 7004, /* TCP: the first bytes are answered by RST */
	PEER_SINK2 = 7005,
	PEER_SINK3 = 7006,
	PEER_MPTCP = 7007, /* a sink */
	PEER_SCTP = 7008,  /* like PEER_SOURCE, SCTP */
	PEER_SOURCE2 = 7009,
	PEER_DNS = 53, /* sinks on well-known ports */
	PEER_HTTPS = 443,
};

struct moved {
	unsigned long long sent, received;
};

__attribute__((constructor)) static void limit(void)
{
	const char *slow = getenv("SLOW"); /* as lib.sh has it */

	alarm(ACTOR_SECONDS * (slow && atoi(slow) > 1 ? atoi(slow) : 1));
}

static inline _Noreturn void die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
	exit(1);
}

static inline _Noreturn void cannot(const char *why)
{
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, why);
	exit(ACTOR_SKIP);
}

static inline _Noreturn void usage(const char *text)
{
	fprintf(stderr, "usage: %s %s\n", program_invocation_short_name, text);
	exit(2);
}

static inline unsigned long long amount(const char *s)
{
	char *end;
	unsigned long long n = strtoull(s, &end, 10);

	if (*end == 'k')
		n <<= 10, end++;
	else if (*end == 'm')
		n <<= 20, end++;
	if (*end || end == s) {
		fprintf(stderr, "%s: not a number: %s\n", program_invocation_short_name, s);
		exit(2);
	}
	return n;
}

/* Numeric host only: a resolver's own traffic would spoil the sums. */
static inline socklen_t address(struct sockaddr_storage *ss, const char *host, const char *port)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM};
	struct addrinfo *ai;
	socklen_t len;

	if (getaddrinfo(host, port, &hints, &ai)) {
		fprintf(stderr, "%s: not an address: %s %s\n", program_invocation_short_name, host, port);
		exit(2);
	}
	memcpy(ss, ai->ai_addr, ai->ai_addrlen);
	len = ai->ai_addrlen;
	freeaddrinfo(ai);
	return len;
}

static inline int connected(int type, int protocol, const char *host, const char *port)
{
	struct sockaddr_storage ss;
	socklen_t len = address(&ss, host, port);
	int fd = socket(ss.ss_family, type, protocol);

	if (fd < 0 && (errno == EPROTONOSUPPORT || errno == ESOCKTNOSUPPORT))
		cannot("this kernel lacks the protocol");
	if (fd < 0)
		die("socket");
	if (connect(fd, (struct sockaddr *)&ss, len))
		die("connect");
	return fd;
}

static inline void wait_ms(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* Bytes per second, 0 = as fast as it goes. */
static inline unsigned long long rate(void)
{
	const char *text = getenv("ACTOR_RATE");

	return text && *text ? amount(text) : 0;
}

/* After n more bytes: sleep until this thread may go on. Who was held up catches up. */
static inline void pace(size_t n)
{
	static __thread unsigned long long per_second, done;
	static __thread struct timespec begin;
	struct timespec due;

	if (!done) {
		per_second = rate();
		clock_gettime(CLOCK_MONOTONIC, &begin);
	}
	done += n;
	if (!per_second)
		return;
	due.tv_sec = begin.tv_sec + (time_t)(done / per_second);
	due.tv_nsec = begin.tv_nsec + (long)(done % per_second * 1000000000ULL / per_second);
	due.tv_sec += due.tv_nsec / 1000000000;
	due.tv_nsec %= 1000000000;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

/* How much of left to ask for in one call: pieces when there is a rate to keep. */
static inline size_t piece(unsigned long long left)
{
	return rate() && left > 65536 ? 65536 : left;
}

static inline void send_all(int fd, unsigned long long n, struct moved *m)
{
	static const char buf[65536];

	while (n) {
		ssize_t r = send(fd, buf, n < sizeof(buf) ? n : sizeof(buf), MSG_NOSIGNAL);

		if (r < 0)
			die("send");
		m->sent += r;
		n -= r;
		pace(r);
	}
}

/* Until n bytes came or the peer closed. */
static inline void receive_all(int fd, unsigned long long n, struct moved *m)
{
	char buf[65536];

	while (n) {
		ssize_t r = recv(fd, buf, n < sizeof(buf) ? n : sizeof(buf), 0);

		if (r == 0 || (r < 0 && errno == ENOTCONN))
			return; /* the latter is SCTP's end: it has no half-close (RFC 9260, 9.2) */
		if (r < 0)
			die("recv");
		m->received += r;
		n -= r;
		pace(r);
	}
}

/* Ask PEER_SOURCE for n bytes. */
static inline void request(int fd, unsigned long long n, struct moved *m)
{
	uint64_t be = htobe64(n);

	if (send(fd, &be, sizeof(be), MSG_NOSIGNAL) != sizeof(be))
		die("send");
	m->sent += sizeof(be);
}

/* No more from us; wait until the peer has read everything and closed. */
static inline void finish(int fd, struct moved *m)
{
	shutdown(fd, SHUT_WR);
	receive_all(fd, ~0ULL, m);
	close(fd);
}

static inline void moved_say(const struct moved *m)
{
	printf("sent %llu received %llu\n", m->sent, m->received);
	fflush(stdout);
}

/* For whoever started us and must know that we got this far. */
static inline void step(const char *what)
{
	printf("%s\n", what);
	fflush(stdout);
}

#endif
