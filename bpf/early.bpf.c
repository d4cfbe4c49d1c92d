// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * early.bpf.c - what Linux 5.10 to 5.16 need instead of the cgroup hooks: there the state of a socket is
 * found by its address, which those hooks cannot tell, and must be forgotten when the socket goes. Only in
 * the object for these kernels.
 */
#include "bpf/attempt.bpf.h"

/* connect() on a stream socket, as sock_cgroup.bpf.c sees it. */
SEC("fentry/inet_stream_connect")
int BPF_PROG(on_connect, struct socket *sock, const void *address, int len, int flags)
{
	struct sock *sk = sock->sk;
	struct sockname name = {};
	struct socket_state *state;
	struct peer peer = {};

	if (!sk || sk->__sk_common.skc_state != TCP_CLOSE || len < SOCKNAME_IN ||
	    bpf_probe_read_kernel(&name, sizeof(name), address) || !peer_of_name(&name, true, &peer))
		return 0;
	state = socket_get(sk);
	if (state)
		attempt_asked(state, NULL, &peer);
	return 0;
}

/* inet6_release calls it too. TCP lives on until the other end has answered. */
SEC("fentry/inet_release")
int BPF_PROG(on_release, struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct socket_state *state = sk ? socket_find(sk) : NULL;

	if (!state)
		return 0;
	socket_ended(state);
	if (sk->sk_protocol != IPPROTO_TCP)
		socket_forget(sk);
	return 0;
}

/* Every TCP socket comes by here, also one that nobody accepted (Linux 4.16). */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(on_destroy, struct sock *sk)
{
	socket_forget(sk);
	return 0;
}
