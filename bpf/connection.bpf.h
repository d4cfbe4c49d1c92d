/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connection.bpf.h - sockets with one peer from connect() or accept() to the end: TCP, MPTCP, SCTP.
 */
#ifndef FEMTOSNITCH_CONNECTION_BPF_H
#define FEMTOSNITCH_CONNECTION_BPF_H

#include "bpf/account.bpf.h"
#include "bpf/name.bpf.h"
#include "bpf/stash.bpf.h"

/* A kernel thread that moves bytes of a user's socket (sockmap redirect) works for the socket's first owner.
 */
static __always_inline void connection_mover(struct sock *sk, const struct socket_state *state,
					     const struct task_struct *task, struct wire_image_key *image)
{
	if (state && TASK(task, flags) & PF_KTHREAD && !(state->flags & SOCKET_KERNEL) &&
	    state->slot[0].state == SLOT_OWNED)
		*image = state->slot[0].image;
	else
		mover(sk, state, task, image);
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
	set_bits(&state->flags, SOCKET_PEERED);
}

static __always_inline void connection(struct sock *sk, struct socket_state *state, __u64 sent,
				       __u64 received)
{
	struct moved moved = {.sent = sent,
			      .received = received,
			      .result = WIRE_RESULT_OPEN,
			      .peer_known = WIRE_PEER_SOCKET};
	struct task_struct *task = current_task();
	struct wire_image_key image;
	struct peer peer = {};

	connection_mover(sk, state, task, &image);
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

/* msg: see name_bytes() */
static __always_inline void connection_sent(struct sock *sk, const struct msghdr *msg, int ret)
{
	struct socket_state *state;

	if (ret <= 0 || sk->__sk_common.skc_state == TCP_LISTEN)
		return;
	if (sk->sk_protocol == IPPROTO_TCP && sk->__sk_common.skc_reuse == SK_FORCE_REUSE) {
		struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

		/* TCP_REPAIR puts bytes into queues without sending any */
		if (tcp && BPF_CORE_READ_BITFIELD(tcp, repair)) {
			state = socket_get(sk);
			if (state)
				set_bits(&state->flags, SOCKET_UNCHECKED);
			return;
		}
	}
	state = socket_get(sk);
	connection(sk, state, ret, 0);
	if (state && is_beginning(state))
		name_beginning(sk, state, msg, ret);
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

	if (!tcp || is_subflow(tcp))
		return;
	if (!is_plain_tcp(sk, tcp)) {
		state = socket_find(sk);
		if (state)
			set_bits(&state->flags, SOCKET_UNCHECKED);
		return;
	}
	if (!is_known_plain(sk))
		shared.plain_tcp[sk->__sk_common.skc_family == AF_INET6] = (__u64)sk->__sk_common.skc_prot;
	state = socket_get(sk);
	if (!state)
		return; /* counted by connection_received */
	seq = tcp_read_up_to(sk, tcp);
	if (!(state->flags & SOCKET_BASED)) {
		set_bits(&state->flags, SOCKET_BASED);
		if (!(state->flags & SOCKET_BEGUN) && (shared.seeding || shared.storage_failed)) {
			/* older than we are, or counted elsewhere so far: where it stood is not known */
			set_bits(&state->flags, SOCKET_BY_RETURN);
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
		clear_bits(&state->flags, SOCKET_BY_RETURN); /* splice: there is no return to count */
	}
	connection(sk, state, 0, delta);
}

/* End of file: what went by without tcp_rcv_space_adjust, an urgent byte at the very end, or a run of it that
 * the kernel skipped. */
static __always_inline void tcp_catch_up(struct sock *sk, const struct tcp_sock *tcp,
					 const struct socket_state *state)
{
	if (!(state->flags & SOCKET_BASED) || tcp_read_up_to(sk, tcp) != state->copied_seq)
		tcp_copied(sk);
}

/* Is a receive on a TCP socket to be counted by what it returned, be it nothing? Finds the state. */
static __always_inline bool tcp_by_return(struct sock *sk, int ret, struct socket_state **state)
{
	struct tcp_sock *tcp;

	if (ret > 0 && is_known_plain(sk) && !shared.seeding && !shared.storage_failed && !sk->sk_user_data)
		return false; /* on_tcp_copied has counted it */
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp || !is_plain_tcp(sk, tcp)) {
		*state = socket_get(sk);
		if (*state)
			set_bits(&(*state)->flags, SOCKET_UNCHECKED);
		return true;
	}
	*state = socket_find(sk);
	if (!*state)
		return true;
	if (ret == 0) {
		tcp_catch_up(sk, tcp, *state);
		return true;
	}
	if (!((*state)->flags & SOCKET_BY_RETURN))
		return false;
	clear_bits(&(*state)->flags, SOCKET_BY_RETURN);
	return true;
}

/* What an SCTP socket just received is no word of the other end (sock_module.bpf.c). */
static __always_inline bool is_notification(struct sock *sk)
{
	struct peer peer = {};

	return !EARLY && sk->sk_protocol == IPPROTO_SCTP &&
	       asking_take(TASK(current_task(), pid), &peer, true) && peer.family == PEER_NOTIFICATION;
}

static __always_inline void connection_received(struct sock *sk, const struct msghdr *msg, int ret, int flags)
{
	struct socket_state *state = NULL;

	if (ret < 0 || flags & (MSG_PEEK | MSG_ERRQUEUE))
		return;
	if (sk->__sk_common.skc_dport == bpf_htons(PORT_DNS) && ret > 0 && sk->sk_protocol == IPPROTO_TCP &&
	    !(flags & MSG_TRUNC))
		name_stream_answer(sk, msg, ret);
	if (sk->sk_protocol != IPPROTO_TCP)
		state = socket_get(sk);
	else if (!tcp_by_return(sk, ret, &state))
		return;
	if (is_notification(sk))
		return;
	/* ret 0, end of file: no bytes, but whoever reads it is the one who accepted an empty connection */
	if (ret == 0 && (!state || state->slot[0].state == SLOT_OWNED))
		return;
	connection(sk, state, 0, ret);
}

#endif
