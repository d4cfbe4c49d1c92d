// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sock_splice.bpf.c - splice from a socket whose family does it by itself: kTLS, SMC, MPTCP since Linux 7.0.
 * They take the bytes past recvmsg, so that no other hook sees them go; of plain TCP copied_seq tells, as
 * ever. Where a family cannot splice, the kernel calls recvmsg, which is counted.
 */
#include "bpf/socket.bpf.h"
#include "bpf/repeat.bpf.h"

struct proto_ops {
	void *splice_read;
} __attribute__((preserve_access_index));

struct socket___of_splice {
	const struct proto_ops *ops;
} __attribute__((preserve_access_index));

static __always_inline void spliced(struct file *file, long ret)
{
	struct socket *sock = bpf_sock_from_file(file);

	if (sock && sock->sk && BPF_CORE_READ((struct socket___of_splice *)sock, ops, splice_read))
		received(sock->sk, NULL, ret, 0, NULL);
}

/* All sockets' files share it (since Linux 2.6), and nobody calls it but through their operations. */
TRAMPOLINE_REPEATED("fexit/sock_splice_read", on_splice_read, TOKEN_RECEIVE, 0, spliced(file, ret),
		    struct file *file, loff_t *position, void *pipe, __u64 len, unsigned int flags, long ret)
