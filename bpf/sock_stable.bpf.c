// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sock_stable.bpf.c - bytes sent and received, seen through interfaces that do not move: the BTF tracepoints
 * sock_send_length and sock_recv_length (Linux 6.3), and cgroup hooks.
 *
 * Entering a program is most of what it costs, so there is one per direction and call, nothing per packet,
 * and the way of a known flow through each is short.
 */
#include "bpf/socket.bpf.h"
#include "bpf/twice.bpf.h"

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

/* cgroup hooks, not the functions behind them: they survive inlining and renames, and see the address after
 * load balancers of child cgroups have rewritten it. sendmsg: Linux 4.18, recvmsg: 5.2. recvmsg runs only
 * when the caller asks for the address. */
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

PROGRAM_TWICE("tp_btf/sock_send_length", on_send, TOKEN_SEND, 0, sent(sk, ret, NULL), struct sock *sk,
	      int ret, int flags)
PROGRAM_TWICE("tp_btf/sock_recv_length", on_receive, TOKEN_RECEIVE, 0, received(sk, ret, flags, NULL),
	      struct sock *sk, int ret, int flags)
