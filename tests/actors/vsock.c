/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vsock.c - AF_VSOCK from this machine to itself (CID 1), as guests and hypervisors use it among each other.
 *   serve  accepts one connection, reads it to its end and answers BYTES
 *   talk   sends BYTES and reads the answer
 */
#include "tests/actors/actor.h"

#include <linux/vm_sockets.h>

#define PIECE 4096

static struct moved moved;

static int vsock(const char *type)
{
	int fd = socket(AF_VSOCK, !strcmp(type, "stream") ? SOCK_STREAM : SOCK_SEQPACKET, 0);

	if (fd < 0)
		cannot("no AF_VSOCK, or none of this type");
	return fd;
}

static void pieces(int fd, unsigned long long n)
{
	for (; n >= PIECE; n -= PIECE)
		send_all(fd, PIECE, &moved);
	send_all(fd, n, &moved);
}

static void serve(const char *type, unsigned port, unsigned long long bytes)
{
	struct sockaddr_vm a = {.svm_family = AF_VSOCK, .svm_port = port, .svm_cid = VMADDR_CID_ANY};
	int l = vsock(type), fd;

	if (bind(l, (struct sockaddr *)&a, sizeof(a)) || listen(l, 1))
		cannot("no transport for AF_VSOCK");
	step("ready");
	if ((fd = accept(l, NULL, NULL)) < 0)
		die("accept");
	receive_all(fd, ~0ULL, &moved);
	pieces(fd, bytes);
	close(fd);
}

static void talk(const char *type, unsigned port, unsigned long long bytes)
{
	struct sockaddr_vm a = {.svm_family = AF_VSOCK, .svm_port = port, .svm_cid = VMADDR_CID_LOCAL};
	int fd = vsock(type);

	if (connect(fd, (struct sockaddr *)&a, sizeof(a)))
		cannot("no way from here to here by AF_VSOCK (vsock_loopback)");
	pieces(fd, bytes);
	finish(fd, &moved);
}

int main(int argc, char **argv)
{
	if (argc != 5)
		usage("serve|talk stream|seqpacket PORT BYTES");
	if (!strcmp(argv[1], "serve"))
		serve(argv[2], atoi(argv[3]), amount(argv[4]));
	else
		talk(argv[2], atoi(argv[3]), amount(argv[4]));
	moved_say(&moved);
	return 0;
}
