/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uring.c - io_uring: the same transfers without a system call per operation. "worker" forces every operation
 * into a kernel worker thread (IOSQE_ASYNC), which must still count for this program.
 */
#include <liburing.h>

#include "tests/actors/actor.h"

static ssize_t one(struct io_uring *ring, int fd, char *buf, size_t n, int sending, unsigned flags)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	ssize_t r;

	if (sending)
		io_uring_prep_send(sqe, fd, buf, n, MSG_NOSIGNAL);
	else
		io_uring_prep_recv(sqe, fd, buf, n, 0);
	io_uring_sqe_set_flags(sqe, flags);
	io_uring_submit(ring);
	if (io_uring_wait_cqe(ring, &cqe))
		die("io_uring_wait_cqe");
	r = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	if (r < 0) {
		errno = -r;
		die(sending ? "send" : "recv");
	}
	return r;
}

int main(int argc, char **argv)
{
	static char buf[16384];
	struct io_uring ring;
	struct moved m = {0, 0};
	unsigned long long bytes, left;
	unsigned flags;
	int fd, rc, sending;

	if (argc != 6)
		usage("send|receive inline|worker HOST PORT BYTES");
	sending = !strcmp(argv[1], "send");
	flags = !strcmp(argv[2], "worker") ? IOSQE_ASYNC : 0;
	bytes = left = amount(argv[5]);
	if ((rc = io_uring_queue_init(8, &ring, 0))) {
		errno = -rc;
		if (rc == -ENOSYS || rc == -EPERM)
			cannot("no io_uring here");
		die("io_uring_queue_init");
	}
	fd = connected(SOCK_STREAM, 0, argv[3], argv[4]);
	if (!sending)
		request(fd, bytes, &m);
	while (left) {
		ssize_t r = one(&ring, fd, buf, left < sizeof(buf) ? left : sizeof(buf), sending, flags);

		*(sending ? &m.sent : &m.received) += r;
		left -= r;
	}
	finish(fd, &m);
	io_uring_queue_exit(&ring);
	moved_say(&m);
	return 0;
}
