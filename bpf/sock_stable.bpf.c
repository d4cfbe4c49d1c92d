// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sock_stable.bpf.c - bytes sent and received, seen through interfaces that do not move: BTF tracepoints
 * (sock_send_length, sock_recv_length: Linux 6.3; tcp_rcv_space_adjust: 4.15) and cgroup hooks.
 *
 * Entering a program is most of what it costs, so there is one per direction and call, nothing per packet,
 * and the way of a known flow through each is short.
 */
#include "bpf/caller.bpf.h"
#include "bpf/stash.bpf.h"
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

/* ---- datagrams: UDP, UDP-Lite, raw, ping */

static __always_inline void remember_peer(struct socket_state *state, const struct peer *peer)
{
	if (!state->peers) {
		state->only_peer = *peer;
		state->peers = 1;
	} else if (state->peers == 1 && !peer_same(&state->only_peer, peer)) {
		state->peers = 2;
	}
}

/* Who the other end is, from the best source there is. */
static __always_inline void datagram_peer(struct sock *sk, struct socket_state *state, struct peer *peer,
					  struct moved *moved, bool stashed, bool receiving)
{
	__u16 protocol = sk->sk_protocol;
	bool found = stashed;

	moved->peer_known = WIRE_PEER_MESSAGE;
	if (!found) {
		peer_of_socket(sk, peer);
		if (peer_known(peer)) {
			moved->peer_known = WIRE_PEER_SOCKET;
			return;
		}
		if (protocol != IPPROTO_UDP && protocol != IPPROTO_UDPLITE) {
			moved->peer_known = WIRE_PEER_CALLER;
			if (!receiving)
				found = caller_destination(peer, protocol == IPPROTO_SCTP);
			else if (sk->sk_type == SOCK_RAW && peer->family == AF_INET)
				found = caller_ipv4_source(peer);
		}
	}
	if (found) {
		if (state)
			remember_peer(state, peer);
		return;
	}
	if (state && state->peers == 1) {
		*peer = state->only_peer;
		moved->peer_known = WIRE_PEER_INFERRED;
	} else {
		moved->peer_known = WIRE_PEER_UNKNOWN;
	}
}

static __always_inline void datagram(struct sock *sk, int ret, int flags, bool receiving)
{
	bool udp = sk->sk_protocol == IPPROTO_UDP || sk->sk_protocol == IPPROTO_UDPLITE;
	struct moved moved = {.direction = receiving ? WIRE_DIRECTION_IN : WIRE_DIRECTION_OUT};
	struct task_struct *task = bpf_get_current_task_btf();
	struct socket_state *state;
	struct wire_image_key image;
	struct peer peer = {};
	bool stashed;

	state = ret >= 0 ? socket_get(sk) : bpf_sk_storage_get(&sockets, sk, NULL, 0);
	/* before ret is tested: a failed call leaves one too */
	stashed = udp && (!state || state->stashed) && stash_take(state, task->pid, &peer, receiving);
	if (ret < 0 || (receiving && (!ret || flags & (MSG_PEEK | MSG_ERRQUEUE))))
		return; /* an empty datagram that is sent counts as use of the network */
	datagram_peer(sk, state, &peer, &moved, stashed, receiving);
	if (receiving)
		moved.received = ret;
	else
		moved.sent = ret;
	mover(state, task, &image);
	if (state)
		count(sk, state, &image, &peer, &moved, false);
	else
		overflow_count(sk, &image, &peer, &moved);
}

/* ---- connections: TCP, MPTCP, SCTP */

/* A kernel thread that moves bytes of a user's socket (sockmap redirect) works for the socket's first owner.
 */
static __always_inline void connection_mover(const struct socket_state *state, const struct task_struct *task,
					     struct wire_image_key *image)
{
	if (state && task->flags & PF_KTHREAD && !(state->flags & SOCKET_KERNEL) &&
	    state->slot[0].state == SLOT_OWNED)
		*image = state->slot[0].image;
	else
		mover(state, task, image);
}

/* An MPTCP socket gets the addresses of its first subflow only after it was established. */
static __noinline void mptcp_peer(struct sock *sk, struct socket_state *state)
{
	struct peer peer = {};

	peer_of_socket(sk, &peer);
	if (!peer_has_address(&peer))
		return;
	for (int i = 0; i < SLOTS; i++) {
		struct slot *slot = &state->slot[i];

		if (slot->state != SLOT_OWNED || slot->connection != state->connection ||
		    peer_has_address(&slot->peer))
			continue;
		slot->peer = peer;
		slot->peer_known = WIRE_PEER_SOCKET;
		local_end(sk, peer.family, slot->laddr, &slot->lport);
	}
	__sync_fetch_and_or(&state->flags, SOCKET_PEERED);
}

static __always_inline void connection(struct sock *sk, struct socket_state *state, __u64 sent,
				       __u64 received)
{
	struct moved moved = {.sent = sent,
			      .received = received,
			      .result = WIRE_RESULT_OPEN,
			      .peer_known = WIRE_PEER_SOCKET};
	struct task_struct *task = bpf_get_current_task_btf();
	struct wire_image_key image;
	struct peer peer = {};

	connection_mover(state, task, &image);
	if (state) {
		if (state->protocol == IPPROTO_MPTCP && !(state->flags & SOCKET_PEERED))
			mptcp_peer(sk, state);
		moved.direction = state->flags & SOCKET_OUT ? WIRE_DIRECTION_OUT : WIRE_DIRECTION_IN;
		count(sk, state, &image, &peer, &moved, true);
	} else {
		peer_of_socket(sk, &peer);
		overflow_count(sk, &image, &peer, &moved);
	}
}

static __always_inline void connection_sent(struct sock *sk, int ret)
{
	if (ret <= 0 || sk->__sk_common.skc_state == TCP_LISTEN)
		return;
	if (sk->sk_protocol == IPPROTO_TCP && sk->__sk_common.skc_reuse == SK_FORCE_REUSE) {
		struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

		/* TCP_REPAIR puts bytes into queues without sending any */
		if (tcp && BPF_CORE_READ_BITFIELD(tcp, repair))
			return;
	}
	connection(sk, socket_get(sk), ret, 0);
}

/* TCP whose received bytes copied_seq tells: nobody sits between the socket and its reader (sockmap, kTLS).
 */
static __always_inline bool is_plain_tcp(struct sock *sk, struct tcp_sock *tcp)
{
	return !sk->sk_user_data && !tcp->inet_conn.icsk_ulp_ops;
}

#define BY_RETURN_TICKS 10 /* at least 10 ms: from tcp_rcv_space_adjust to the end of the call it runs in */

/* tcp_rcv_space_adjust() runs in the reader's context, under the socket lock, whenever bytes were copied out
 * of the receive queue, be it by recv, splice, zero-copy or MSG_TRUNC; the growth of copied_seq is what left
 * it. */
static __always_inline void tcp_copied(struct sock *sk)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	struct socket_state *state;
	__u32 seq;
	__s32 delta;

	if (!tcp || tcp->is_mptcp || !is_plain_tcp(sk, tcp))
		return;
	if (!is_known_plain(sk))
		shared.plain_tcp[sk->__sk_common.skc_family == AF_INET6] = (__u64)sk->__sk_common.skc_prot;
	state = socket_get(sk);
	if (!state)
		return; /* counted by connection_received */
	seq = tcp_read_up_to(sk, tcp);
	if (!(state->flags & SOCKET_BASED)) {
		__sync_fetch_and_or(&state->flags, SOCKET_BASED);
		if (!(state->flags & SOCKET_BEGUN) && (shared.seeding || shared.storage_failed)) {
			/* older than we are, or counted elsewhere so far: where it stood is not known */
			__sync_fetch_and_or(&state->flags, SOCKET_BY_RETURN);
			state->by_return_since = bpf_jiffies64();
			state->copied_seq = seq;
			return;
		}
		state->copied_seq = tcp->rcv_nxt - (__u32)tcp->bytes_received;
	}
	delta = seq - state->copied_seq;
	if (delta <= 0)
		return;
	state->copied_seq = seq;
	if (state->flags & SOCKET_BY_RETURN) {
		if ((__u32)bpf_jiffies64() - state->by_return_since < BY_RETURN_TICKS)
			return;
		__sync_fetch_and_and(&state->flags,
				     ~SOCKET_BY_RETURN); /* splice: there is no return to count */
	}
	connection(sk, state, 0, delta);
}

static __always_inline void connection_received(struct sock *sk, int ret, int flags)
{
	struct socket_state *state;

	if (ret < 0 || flags & (MSG_PEEK | MSG_ERRQUEUE))
		return;
	if (sk->sk_protocol == IPPROTO_TCP) {
		struct tcp_sock *tcp;

		if (ret > 0 && is_known_plain(sk) && !shared.seeding && !shared.storage_failed &&
		    !sk->sk_user_data)
			return; /* on_tcp_copied has counted it */
		tcp = bpf_skc_to_tcp_sock(sk);
		if (tcp && is_plain_tcp(sk, tcp)) {
			if (ret == 0 && shared.twice)
				tcp_copied(sk); /* the last run may have been skipped */
			state = bpf_sk_storage_get(&sockets, sk, NULL, 0);
			if (state && ret > 0) {
				if (!(state->flags & SOCKET_BY_RETURN))
					return;
				__sync_fetch_and_and(&state->flags, ~SOCKET_BY_RETURN);
			}
		} else {
			state = socket_get(sk);
		}
	} else {
		state = socket_get(sk);
	}
	/* ret 0, end of file: no bytes, but whoever reads it is the one who accepted an empty connection */
	if (ret == 0 && (!state || state->slot[0].state == SLOT_OWNED))
		return;
	connection(sk, state, 0, ret);
}

SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(on_tcp_copied, struct sock *sk)
{
	tcp_copied(sk);
	return 0;
}

/* ---- families without a release hook: the overflow hash from the first byte */

static __always_inline void other_family(struct sock *sk, int ret, int flags, bool receiving)
{
	struct moved moved = {.peer_known = WIRE_PEER_UNKNOWN};
	struct wire_image_key image;
	struct peer peer = {};

	if (ret <= 0 || (receiving && flags & (MSG_PEEK | MSG_ERRQUEUE)))
		return;
	moved.direction = receiving ? WIRE_DIRECTION_IN : WIRE_DIRECTION_OUT;
	if (!receiving)
		moved.sent = ret;
	else if (sk->__sk_common.skc_family == AF_PACKET)
		moved.sniffed = ret; /* a copy of somebody's traffic, not traffic */
	else
		moved.received = ret;
	peer.family = sk->__sk_common.skc_family;
	mover(NULL, bpf_get_current_task_btf(), &image);
	overflow_count(sk, &image, &peer, &moved);
}

/* ---- the hooks; the second of each pair is attached only where the kernel may skip the first */

static __always_inline void sent(struct sock *sk, int ret, int flags)
{
	__u16 family = sk->__sk_common.skc_family;

	if (family == AF_INET || family == AF_INET6) {
		if (is_connection(sk))
			connection_sent(sk, ret);
		else
			datagram(sk, ret, flags, false);
	} else if (family == AF_PACKET || family == AF_VSOCK) {
		other_family(sk, ret, flags, false);
	}
}

static __always_inline void received(struct sock *sk, int ret, int flags)
{
	__u16 family = sk->__sk_common.skc_family;

	if (family == AF_INET || family == AF_INET6) {
		if (is_connection(sk))
			connection_received(sk, ret, flags);
		else
			datagram(sk, ret, flags, true);
	} else if (family == AF_PACKET || family == AF_VSOCK) {
		other_family(sk, ret, flags, true);
	}
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(on_send, struct sock *sk, int ret, int flags)
{
	if (counts_first())
		sent(sk, ret, flags);
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(on_send_again, struct sock *sk, int ret, int flags)
{
	if (counts_second())
		sent(sk, ret, flags);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(on_receive, struct sock *sk, int ret, int flags)
{
	if (counts_first())
		received(sk, ret, flags);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(on_receive_again, struct sock *sk, int ret, int flags)
{
	if (counts_second())
		received(sk, ret, flags);
	return 0;
}
