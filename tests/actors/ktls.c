/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ktls.c - TCP whose kernel encrypts (TLS 1.2, AES-128-GCM, fixed keys) after a few plain bytes, as after a
 * handshake. What counts is the plaintext, once; records of other types than data count too.
 *   serve     accepts one connection at HOST PORT, reads it to its end and answers BYTES
 * The others connect to it, send BYTES and read the answer:
 *   send      and recv
 *   sendfile  and recv
 *   splice    both ways
 *   control   every other record is of another type
 *   peek      the answer is looked at, then read
 */
#include <fcntl.h>
#include <linux/tls.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "tests/actors/actor.h"

#ifndef SOL_TLS
#define SOL_TLS 282
#endif
#define RECORD_DATA 23 /* RFC 8446, 5.1 */
#define RECORD_OTHER 100

static struct moved moved;
static char buf[16384];

/* One direction has the key of the one who sends in it. */
static void keys(int fd, int direction, int of_server)
{
	struct tls12_crypto_info_aes_gcm_128 k = {
		.info = {.version = TLS_1_2_VERSION, .cipher_type = TLS_CIPHER_AES_GCM_128}};

	memset(k.key, of_server ? 's' : 'c', sizeof(k.key));
	memset(k.salt, of_server ? 'S' : 'C', sizeof(k.salt));
	memset(k.iv, of_server, sizeof(k.iv));
	if (setsockopt(fd, SOL_TLS, direction, &k, sizeof(k)))
		die("keys");
}

static void encrypt(int fd, int server)
{
	if (setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")))
		cannot("no TLS in this kernel");
	keys(fd, TLS_TX, server);
	keys(fd, TLS_RX, !server);
}

/* In the place of a handshake: both ends have plain bytes behind them when they begin to encrypt. */
static void shake_hands(int fd, int server)
{
	if (server)
		receive_all(fd, 300, &moved);
	send_all(fd, server ? 700 : 300, &moved);
	if (!server)
		receive_all(fd, 700, &moved);
	encrypt(fd, server);
}

/* One record of a type of its own. */
static void record(int fd, unsigned char type, size_t n)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(1)];
	} c;
	struct iovec v = {buf, n};
	struct msghdr msg = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)};

	memset(&c, 0, sizeof(c));
	c.h = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(1), .cmsg_level = SOL_TLS, .cmsg_type = TLS_SET_RECORD_TYPE};
	*CMSG_DATA(&c.h) = type;
	if (sendmsg(fd, &msg, 0) != (ssize_t)n)
		die("sendmsg");
	moved.sent += n;
}

/* Records of any type, to the end; recv() without room for their type would refuse them. */
static void records(int fd, unsigned long long n)
{
	while (n) {
		char control[CMSG_SPACE(1)];
		struct iovec v = {buf, n < sizeof(buf) ? n : sizeof(buf)};
		struct msghdr msg = {.msg_iov = &v,
				     .msg_iovlen = 1,
				     .msg_control = control,
				     .msg_controllen = sizeof(control)};
		ssize_t r = recvmsg(fd, &msg, 0);

		if (r < 0)
			die("recvmsg");
		if (r == 0)
			return;
		moved.received += r;
		n -= r;
	}
}

static void with_control(int fd, unsigned long long bytes)
{
	while (bytes) {
		size_t n = bytes < 2000 ? bytes / 2 : 1000;

		record(fd, RECORD_DATA, n);
		record(fd, RECORD_OTHER, bytes < 2000 ? bytes - n : 1000);
		bytes -= bytes < 2000 ? bytes : 2000;
	}
}

static int file_of(unsigned long long size)
{
	FILE *f = tmpfile();

	if (!f || ftruncate(fileno(f), size))
		die("tmpfile");
	return fileno(f);
}

static void from_file(int fd, unsigned long long bytes)
{
	int file = file_of(bytes);

	while (bytes) {
		ssize_t r = sendfile(fd, file, NULL, bytes);

		if (r <= 0)
			die("sendfile");
		moved.sent += r;
		bytes -= r;
	}
}

/* Everything that comes out of from, n bytes at most, goes into to; it is added to *sum. */
static void pump(int from, int to, unsigned long long n, unsigned long long *sum)
{
	int pipes[2];
	ssize_t in, out;

	if (pipe(pipes))
		die("pipe");
	while (n && (in = splice(from, NULL, pipes[1], NULL, n < 65536 ? n : 65536, 0)) > 0) {
		*sum += in;
		n -= in;
		for (; in; in -= out)
			if ((out = splice(pipes[0], NULL, to, NULL, in, 0)) <= 0)
				die("splice");
	}
	if (n && in < 0)
		die("splice");
	close(pipes[0]);
	close(pipes[1]);
}

static void peeked(int fd, unsigned long long bytes)
{
	while (bytes) {
		ssize_t r = recv(fd, buf, bytes < sizeof(buf) ? bytes : sizeof(buf), MSG_PEEK);

		if (r <= 0)
			die("peek");
		receive_all(fd, r, &moved);
		bytes -= r;
	}
}

static void serve(const char *host, const char *port, unsigned long long bytes)
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
	shake_hands(fd, 1);
	records(fd, ~0ULL);
	send_all(fd, bytes, &moved);
	close(fd);
}

static void talk(const char *mode, const char *host, const char *port, unsigned long long bytes)
{
	int fd = connected(SOCK_STREAM, 0, host, port), splicing = !strcmp(mode, "splice");
	unsigned long long out = 0;

	shake_hands(fd, 0);
	if (!strcmp(mode, "sendfile"))
		from_file(fd, bytes);
	else if (splicing)
		pump(file_of(bytes), fd, bytes, &out);
	else if (!strcmp(mode, "control"))
		with_control(fd, bytes);
	else
		send_all(fd, bytes, &moved);
	moved.sent += out;
	shutdown(fd, SHUT_WR);
	if (splicing)
		pump(fd, open("/dev/null", O_WRONLY), ~0ULL, &moved.received);
	else if (!strcmp(mode, "peek"))
		peeked(fd, bytes);
	receive_all(fd, ~0ULL, &moved);
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc != 5)
		usage("serve|send|sendfile|splice|control|peek HOST PORT BYTES");
	if (!strcmp(argv[1], "serve"))
		serve(argv[2], argv[3], amount(argv[4]));
	else
		talk(argv[1], argv[2], argv[3], amount(argv[4]));
	moved_say(&moved);
	return 0;
}
