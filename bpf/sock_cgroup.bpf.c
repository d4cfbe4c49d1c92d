// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sock_cgroup.bpf.c - what the hooks on the root of cgroup v2 see: peers of datagrams, connect(), the end of
 * a socket. cgroup hooks, not the functions behind them: they survive inlining and renames, and see the
 * address after load balancers of child cgroups have rewritten it.
 */
#include "bpf/attempt.bpf.h"
#include "bpf/stash.bpf.h"

/* ---- peers of datagrams; recvmsg runs only when the caller asks for the address */

static __always_inline int stash4(struct bpf_sock_addr *ctx, bool receiving)
{
	struct peer peer = {};

	peer_of_hook4(ctx, &peer);
	if (ctx->sk)
		stash_put(ctx->sk, &peer, receiving);
	return 1; /* always let it pass */
}

static __always_inline int stash6(struct bpf_sock_addr *ctx, bool receiving)
{
	struct peer peer = {};

	peer_of_hook6(ctx, &peer);
	if (ctx->sk)
		stash_put(ctx->sk, &peer, receiving);
	return 1;
}

/* sendmsg: Linux 4.18, recvmsg: 5.2 */
SEC("cgroup/sendmsg4")
int on_sendmsg4(struct bpf_sock_addr *ctx)
{
	return stash4(ctx, false);
}

SEC("cgroup/sendmsg6")
int on_sendmsg6(struct bpf_sock_addr *ctx)
{
	return stash6(ctx, false);
}

SEC("cgroup/recvmsg4")
int on_recvmsg4(struct bpf_sock_addr *ctx)
{
	return stash4(ctx, true);
}

SEC("cgroup/recvmsg6")
int on_recvmsg6(struct bpf_sock_addr *ctx)
{
	return stash6(ctx, true);
}

/* ---- connect()
 *
 * One that is refused on this machine (no route, another cgroup program) changes no state at all; these hooks
 * (Linux 4.17) are the only ones to see it. connect() on a datagram socket asks nobody and sends nothing: it
 * is not an attempt (the C library calls it for each address it sorts). */

static __always_inline int asked(struct bpf_sock_addr *ctx, const struct peer *peer)
{
	struct bpf_sock *bsk = ctx->sk;
	struct socket_state *state;
	struct tcp_sock *tcp;

	if (!bsk || ctx->type != SOCK_STREAM || bsk->state != TCP_CLOSE)
		return 1; /* a datagram, or a second connect() that only asks how the first went */
	tcp = bpf_skc_to_tcp_sock(bsk);
	if (tcp && is_subflow(tcp)) {
		subflow_asked(bsk, peer);
		return 1; /* the states of its MPTCP socket are watched */
	}
	state = bpf_sk_storage_get(&sockets, bsk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!state) {
		shared.storage_failed = 1;
		return 1; /* the attempt is still seen at SYN_SENT */
	}
	state->cookie = bpf_get_socket_cookie(ctx);
	state->protocol = ctx->protocol;
	attempt_asked(state, (struct sock *)tcp, peer);
	return 1; /* always let it pass */
}

SEC("cgroup/connect4")
int on_connect4(struct bpf_sock_addr *ctx)
{
	struct peer peer = {};

	peer_of_hook4(ctx, &peer);
	return asked(ctx, &peer);
}

SEC("cgroup/connect6")
int on_connect6(struct bpf_sock_addr *ctx)
{
	struct peer peer = {};

	peer_of_hook6(ctx, &peer);
	return asked(ctx, &peer);
}

/* ---- the end (Linux 5.9) */

SEC("cgroup/sock_release")
int on_release(struct bpf_sock *bsk)
{
	struct socket_state *state = bpf_sk_storage_get(&sockets, bsk, NULL, 0);

	if (!state)
		return 1;
	if (!state->cookie)
		state->cookie = bpf_get_socket_cookie(bsk);
	socket_ended(state);
	return 1;
}

/* The kernel's own sockets do not come by there (inet_release asks for sk_kern_sock); of TCP the end is seen
 * here (Linux 4.16), and of one that never was connected in no state (__tcp_close). Their bytes are elsewhere
 * already: see bytes_overflow(). */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(on_kernel_end, struct sock *sk)
{
	struct socket_state *state;

	if (!BPF_CORE_READ_BITFIELD(sk, sk_kern_sock))
		return 0;
	state = socket_find(sk);
	if (state && state->attempt_state == ATTEMPT_ASKED)
		attempt_failed_here(state);
	return 0;
}
