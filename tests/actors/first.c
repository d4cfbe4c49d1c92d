/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * first.c - the bytes of FILE are the first that a connection (-u: a connected UDP socket) sends:
 *
 *   first [-a BACK SINK] [-u] WAY HOST PORT FILE
 *              in one call, or as WAY says; where the call takes pieces, from three of them:
 *              write send sendto writev pwritev2 sendmsg file (sendfile) uring (io_uring)
 *              write32 writev32 sendmsg32 sendmmsg32: the calls of a 32-bit program
 *              sendmmsg: two messages in a call, the second of one byte
 *              split: in four calls: 1, 4 and 100 bytes, the rest
 *              -a: FILE is a question for the address of HOST; the answer is read by BACK, recv or uring, and
 *              100 bytes go to port SINK of HOST over a connection of their own
 *   first -u peers HOST PORT FILE OTHER
 *              one unconnected socket, three peers: FILE to HOST, 100 bytes that say nothing to OTHER, and by
 *              io_uring FILE to PORT + 1 of HOST
 */
#include <fcntl.h>
#include <liburing.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "tests/actors/actor.h"

#define USAGE "[-a BACK SINK] [-u] WAY HOST PORT FILE | -u peers HOST PORT FILE OTHER"

struct iovec32 {
	uint32_t base, len;
};

struct mmsghdr32 {
	uint32_t name, name_len, iov, iov_len, control, control_len, flags;
	uint32_t len;
};

/* What a 32-bit call is given lies below 4 GiB. */
static struct low {
	uint32_t args[6];
	struct mmsghdr32 mm[2];
	struct iovec32 iov[3];
	char data[65536];
} * low;

static struct moved moved;
static struct iovec iov[3];
static size_t size;
static int fd, file;

static void sent(long r)
{
	if (r < 0)
		die("send");
	moved.sent += r;
}

static void pieces(void)
{
	size_t at = 0;

	for (int i = 0; i < 3; i++) {
		size_t len = i == 2 ? size - at : (size_t)i * 40 + 5;

		iov[i] = (struct iovec){low->data + at, len};
		low->iov[i] = (struct iovec32){(uintptr_t)(low->data + at), len};
		at += len;
	}
}

static void send_messages(void)
{
	struct iovec last = {low->data, 1};
	struct mmsghdr mm[2] = {{.msg_hdr = {.msg_iov = iov, .msg_iovlen = 3}},
				{.msg_hdr = {.msg_iov = &last, .msg_iovlen = 1}}};
	int n = sendmmsg(fd, mm, 2, 0);

	for (int i = 0; i < n || !i; i++)
		sent(n < 1 ? n : (long)mm[i].msg_len);
}

static void send_split(void)
{
	static const size_t len[] = {1, 4, 100};
	size_t at = 0;

	for (int i = 0; i < 3; i++) {
		sent(send(fd, low->data + at, len[i], 0));
		at += len[i];
	}
	sent(send(fd, low->data + at, size - at, 0));
}

static struct io_uring ring;

static struct io_uring_sqe *ask_uring(void)
{
	if (io_uring_queue_init(2, &ring, 0))
		cannot("no io_uring here");
	return io_uring_get_sqe(&ring);
}

/* What it moved. */
static int answer_uring(void)
{
	struct io_uring_cqe *cqe;
	int moved_bytes;

	if (io_uring_submit_and_wait(&ring, 1) < 0 || io_uring_peek_cqe(&ring, &cqe))
		die("io_uring");
	moved_bytes = cqe->res;
	io_uring_queue_exit(&ring);
	return moved_bytes;
}

/* NULL: to whom it is connected. */
static void send_uring(struct sockaddr_in *to)
{
	struct msghdr msg = {
		.msg_name = to, .msg_namelen = to ? sizeof(*to) : 0, .msg_iov = iov, .msg_iovlen = 3};
	struct io_uring_sqe *sqe = ask_uring();

	if (to)
		io_uring_prep_sendmsg(sqe, fd, &msg, 0);
	else
		io_uring_prep_send(sqe, fd, low->data, size, 0);
	sent(answer_uring());
}

static ssize_t receive(const char *way)
{
	if (!strcmp(way, "recv"))
		return recv(fd, low->data, sizeof(low->data), 0);
	if (strcmp(way, "uring"))
		usage(USAGE);
	io_uring_prep_recv(ask_uring(), fd, low->data, sizeof(low->data), 0);
	return answer_uring();
}

static void go_there(const char *back, const char *host, const char *sink)
{
	ssize_t r = receive(back);

	if (r <= 0)
		die("no answer");
	moved.received += r;
	close(fd);
	fd = connected(SOCK_STREAM, 0, host, sink);
	send_all(fd, 100, &moved);
}

#if defined(__x86_64__)
#include <signal.h>

static long call(long number, long a, long b, long c)
{
	long r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(number), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	errno = r < 0 ? -(int)r : errno;
	return (int)r;
}

static long socket_call(int what, uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t args[6] = {fd, a, b, c};

	memcpy(low->args, args, sizeof(args));
	return call(102, what, (uintptr_t)low->args, 0);
}

static _Noreturn void no_such_call(int sig)
{
	(void)sig;
	cannot("this kernel runs no 32-bit programs");
}

/* arch/x86/entry/syscalls/syscall_32.tbl, linux/net.h */
static int send32(const char *way)
{
	signal(SIGSEGV, no_such_call);
	if (call(20, 0, 0, 0) != getpid())
		no_such_call(0);
	for (int i = 0; i < 2; i++)
		low->mm[i] = (struct mmsghdr32){.iov = (uintptr_t)low->iov, .iov_len = i ? 1 : 3};
	if (!strcmp(way, "write32"))
		sent(call(4, fd, (uintptr_t)low->data, size));
	else if (!strcmp(way, "writev32"))
		sent(call(146, fd, (uintptr_t)low->iov, 3));
	else if (!strcmp(way, "sendmsg32"))
		sent(socket_call(16, (uintptr_t)low->mm, 0, 0));
	else if (!strcmp(way, "sendmmsg32") && socket_call(20, (uintptr_t)low->mm, 2, 0) == 2)
		sent(low->mm[0].len + low->mm[1].len);
	else
		return 0;
	return 1;
}
#else
static int send32(const char *way)
{
	if (strstr(way, "32"))
		cannot("only an x86 kernel has two kinds of system calls");
	return 0;
}
#endif

static void send_by(const char *way)
{
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 3};

	if (!strcmp(way, "write"))
		sent(write(fd, low->data, size));
	else if (!strcmp(way, "send"))
		sent(send(fd, low->data, size, 0));
	else if (!strcmp(way, "sendto"))
		sent(sendto(fd, low->data, size, MSG_NOSIGNAL, NULL, 0));
	else if (!strcmp(way, "writev"))
		sent(writev(fd, iov, 3));
	else if (!strcmp(way, "pwritev2"))
		sent(pwritev2(fd, iov, 3, -1, 0));
	else if (!strcmp(way, "sendmsg"))
		sent(sendmsg(fd, &msg, 0));
	else if (!strcmp(way, "sendmmsg"))
		send_messages();
	else if (!strcmp(way, "split"))
		send_split();
	else if (!strcmp(way, "file"))
		sent(sendfile(fd, file, NULL, size));
	else if (!strcmp(way, "uring"))
		send_uring(NULL);
	else if (!send32(way))
		usage(USAGE);
}

static void send_to_peers(char **argv)
{
	struct sockaddr_in one = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))}, other = one;

	if (inet_pton(AF_INET, argv[0], &one.sin_addr) != 1 ||
	    inet_pton(AF_INET, argv[3], &other.sin_addr) != 1)
		usage(USAGE);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	sent(sendto(fd, low->data, size, 0, (void *)&one, sizeof(one)));
	sent(sendto(fd, low->data + size / 2, 100, 0, (void *)&other, sizeof(other)));
	one.sin_port = htons(atoi(argv[1]) + 1);
	send_uring(&one);
}

int main(int argc, char **argv)
{
	char **back = argc > 3 && !strcmp(argv[1], "-a") ? argv + 2 : NULL;
	int udp, peers;

	argv += back ? 3 : 0;
	argc -= back ? 3 : 0;
	udp = argc > 1 && !strcmp(argv[1], "-u");
	argv += udp;
	peers = udp && argv[1] && !strcmp(argv[1], "peers");
	if (argc - udp - peers != 5)
		usage(USAGE);
	low = mmap(NULL, sizeof(*low), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | (int)MAP_32BIT,
		   -1, 0);
	file = open(argv[4], O_RDONLY | O_CLOEXEC);
	if (low == MAP_FAILED || file < 0)
		die(argv[4]);
	size = pread(file, low->data, sizeof(low->data), 0);
	if (size < (back ? 12 : 200))
		usage("...: FILE has 200 bytes at least, a question 12");
	pieces();
	if (peers) {
		send_to_peers(argv + 2);
	} else {
		fd = connected(udp ? SOCK_DGRAM : SOCK_STREAM, 0, argv[2], argv[3]);
		send_by(argv[1]);
	}
	if (back)
		go_there(back[0], argv[2], back[1]);
	else if (!udp)
		finish(fd, &moved);
	moved_say(&moved);
	return 0;
}
