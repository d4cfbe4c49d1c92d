/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uring.c - io_uring: the same transfers without a system call per operation.
 *   inline     submitted and done in our own context    worker  forced into a kernel worker (IOSQE_ASYNC)
 *   sqpoll     submitted by a kernel thread, which must still count for this program
 *   fixed      the socket is a registered file, whose descriptor is closed
 *   msg        SENDMSG, RECVMSG                         zc, zcmsg  SEND_ZC, SENDMSG_ZC
 *   multishot  one RECV that goes on and takes its buffers from a ring of them
 */
#include <liburing.h>

#include "tests/actors/actor.h"

#define PIECE 16384
#define BUFFERS 8 /* of the multishot ring */

static const struct way {
	const char *name;
	int sends, receives; /* the operation; -1 = there is none */
	unsigned setup, sqe;
} ways[] = {
	{"inline", IORING_OP_SEND, IORING_OP_RECV, 0, 0},
	{"worker", IORING_OP_SEND, IORING_OP_RECV, 0, IOSQE_ASYNC},
	{"sqpoll", IORING_OP_SEND, IORING_OP_RECV, IORING_SETUP_SQPOLL, 0},
	{"fixed", IORING_OP_SEND, IORING_OP_RECV, 0, IOSQE_FIXED_FILE},
	{"msg", IORING_OP_SENDMSG, IORING_OP_RECVMSG, 0, 0},
	{"zc", IORING_OP_SEND_ZC, -1, 0, 0},
	{"zcmsg", IORING_OP_SENDMSG_ZC, -1, 0, 0},
	{"multishot", -1, IORING_OP_RECV, 0, IOSQE_BUFFER_SELECT},
};

static struct io_uring ring;
static char buf[BUFFERS][PIECE];

static void ring_make(const struct way *way, int op)
{
	struct io_uring_probe *probe;
	int rc = io_uring_queue_init(8, &ring, way->setup);

	if (rc == -ENOSYS || rc == -EPERM)
		cannot("no io_uring here");
	if (rc) {
		errno = -rc;
		die("io_uring_queue_init");
	}
	probe = io_uring_get_probe_ring(&ring);
	if (!probe || !io_uring_opcode_supported(probe, op))
		cannot("this kernel's io_uring lacks the operation");
	io_uring_free_probe(probe);
}

/* The socket's place in the table of registered files; it is the only reference that is left. */
static int ring_file(int fd)
{
	if (io_uring_register_files(&ring, &fd, 1))
		cannot("no registered files");
	close(fd);
	return 0;
}

static void prepare(struct io_uring_sqe *sqe, int op, int fd, size_t n)
{
	static struct iovec iov;
	static struct msghdr msg;

	iov = (struct iovec){buf[0], n};
	msg = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1};
	switch (op) {
	case IORING_OP_SEND:
		io_uring_prep_send(sqe, fd, buf[0], n, MSG_NOSIGNAL);
		break;
	case IORING_OP_RECV:
		io_uring_prep_recv(sqe, fd, buf[0], n, 0);
		break;
	case IORING_OP_SENDMSG:
		io_uring_prep_sendmsg(sqe, fd, &msg, MSG_NOSIGNAL);
		break;
	case IORING_OP_RECVMSG:
		io_uring_prep_recvmsg(sqe, fd, &msg, 0);
		break;
	case IORING_OP_SEND_ZC:
		io_uring_prep_send_zc(sqe, fd, buf[0], n, MSG_NOSIGNAL, 0);
		break;
	default:
		io_uring_prep_sendmsg_zc(sqe, fd, &msg, MSG_NOSIGNAL);
	}
}

struct done {
	int res;
	unsigned flags;
};

static struct done completion(void)
{
	struct io_uring_cqe *cqe;
	struct done done;

	if (io_uring_wait_cqe(&ring, &cqe))
		die("io_uring_wait_cqe");
	done = (struct done){cqe->res, cqe->flags};
	io_uring_cqe_seen(&ring, cqe);
	return done;
}

static ssize_t one(const struct way *way, int op, int fd, size_t n)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	struct done done;

	prepare(sqe, op, fd, n);
	io_uring_sqe_set_flags(sqe, way->sqe);
	io_uring_submit(&ring);
	done = completion();
	if (done.flags & IORING_CQE_F_MORE)
		completion(); /* zero copy: the memory is ours again, which says nothing of bytes */
	if (done.res < 0) {
		errno = -done.res;
		die("io_uring");
	}
	return done.res;
}

static struct io_uring_buf_ring *buffers_make(void)
{
	struct io_uring_buf_reg reg = {.ring_entries = BUFFERS};
	struct io_uring_buf_ring *br;
	int i;

	if (posix_memalign((void **)&br, 4096, 4096))
		die("memory");
	memset(br, 0, 4096);
	reg.ring_addr = (uintptr_t)br;
	if (io_uring_register_buf_ring(&ring, &reg, 0))
		cannot("no rings of buffers");
	for (i = 0; i < BUFFERS; i++)
		io_uring_buf_ring_add(br, buf[i], PIECE, i, io_uring_buf_ring_mask(BUFFERS), i);
	io_uring_buf_ring_advance(br, BUFFERS);
	return br;
}

static void multishot(int fd, unsigned long long left, struct moved *m)
{
	struct io_uring_buf_ring *br = buffers_make();
	struct done done = {-ENOBUFS, 0};

	while (left) {
		if (!(done.flags & IORING_CQE_F_MORE)) { /* first, or it ran out of buffers */
			struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

			io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
			sqe->flags |= IOSQE_BUFFER_SELECT;
			sqe->buf_group = 0;
			io_uring_submit(&ring);
		}
		done = completion();
		if (done.res == -EINVAL && !m->received)
			cannot("no multishot receive");
		if (done.res == -ENOBUFS)
			continue;
		if (done.res <= 0)
			die("multishot");
		m->received += done.res;
		left -= done.res;
		io_uring_buf_ring_add(br, buf[done.flags >> IORING_CQE_BUFFER_SHIFT], PIECE,
				      done.flags >> IORING_CQE_BUFFER_SHIFT, io_uring_buf_ring_mask(BUFFERS),
				      0);
		io_uring_buf_ring_advance(br, 1);
	}
}

static const struct way *way_named(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(ways[i].name, name))
			return &ways[i];
	usage("send|receive inline|worker|sqpoll|fixed|msg|zc|zcmsg|multishot HOST PORT BYTES");
}

int main(int argc, char **argv)
{
	const struct way *way = way_named(argc == 6 ? argv[2] : "");
	int sending = !strcmp(argv[1], "send"), op = sending ? way->sends : way->receives, fd;
	unsigned long long bytes = amount(argv[5]), left = bytes;
	struct moved m = {0, 0};

	if (op < 0)
		way_named(""); /* it cannot go this direction */
	ring_make(way, op);
	fd = connected(SOCK_STREAM, 0, argv[3], argv[4]);
	if (!sending)
		request(fd, bytes, &m);
	if (way->sqe & IOSQE_FIXED_FILE)
		fd = ring_file(fd);
	if (way->sqe & IOSQE_BUFFER_SELECT)
		multishot(fd, bytes, &m), left = 0;
	while (left) {
		ssize_t r = one(way, op, fd, left < PIECE ? left : PIECE);

		*(sending ? &m.sent : &m.received) += r;
		left -= r;
		pace(r);
	}
	if (!(way->sqe & IOSQE_FIXED_FILE))
		finish(fd, &m);
	io_uring_queue_exit(&ring);
	moved_say(&m);
	return 0;
}
