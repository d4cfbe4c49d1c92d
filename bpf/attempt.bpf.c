// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * attempt.bpf.c - the life of a connection beside its bytes, as its states show it (inet_sock_set_state:
 * Linux 4.16): who asked for it, in which direction, what became of it. CLOSE -> SYN_SENT runs in the context
 * of connect(), what follows may run anywhere.
 */
#include "bpf/attempt.bpf.h"
#include "bpf/repeat.bpf.h"

static __always_inline void attempt_sent(struct sock *sk)
{
	struct moved moved = {.direction = WIRE_DIRECTION_OUT, .peer_known = WIRE_PEER_SOCKET};
	struct task_struct *task = current_task();
	struct socket_state *state = socket_get(sk);
	struct wire_image_key image;
	struct peer peer = {};

	if (!state) {
		mover(sk, NULL, task, &image);
		peer_of_socket(sk, &peer);
		overflow_count(sk, &image, &peer, &moved);
		return;
	}
	state->connection++;
	if (state->flags & SOCKET_NAMED) { /* connect() again */
		clear_bits(&state->flags, SOCKET_NAMED);
		state->naming.seen = state->naming.wanted = 0;
	}
	set_bits(&state->flags, SOCKET_OUT | SOCKET_BEGUN);
	mover(sk, state, task, &image);
	state->attempt_state = ATTEMPT_SENT;
	count(sk, state, &image, &peer, &moved, true);
	state->attempt.image = image; /* who it turned out to be */
	state->attempt.peer = peer;
}

static __always_inline void slots_result(struct socket_state *state, struct sock *sk, __u8 result,
					 bool opening)
{
	bool found = false;

	for (int i = 0; i < SLOTS; i++) {
		struct slot *slot = &state->slot[i];

		if (slot->state != SLOT_OWNED || slot->connection != state->connection)
			continue;
		found = true;
		slot->result = result;
		slot->last_ns = bpf_jiffies64();
		if (!opening)
			continue;
		/* the local port is chosen after SYN_SENT */
		local_end(sk, slot->peer.family, slot->laddr, &slot->lport);
	}
	if (!found && opening) {
		struct moved moved = {
			.direction = WIRE_DIRECTION_OUT, .peer_known = WIRE_PEER_SOCKET, .result = result};

		overflow_count(sk, &state->attempt.image, &state->attempt.peer, &moved);
	}
}

/* ---- MPTCP: the error is with the subflow, which is not ours to lead to the socket above but by its address
 */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SUBFLOWS_MAX);
	__type(key, __u64); /* address of the MPTCP socket */
	__type(value, __u8);
} subflow_results SEC(".maps") __weak;

static __noinline void subflow_ended(struct sock *subflow)
{
	const struct mptcp_subflow_context *context =
		BPF_CORE_READ((struct inet_connection_sock *)subflow, icsk_ulp_data);
	__u8 result = result_of_error(subflow->sk_err);
	__u64 key = 0;

	if (!bpf_core_type_exists(struct mptcp_subflow_context))
		return;
	key = (__u64)BPF_CORE_READ(context, conn);
	if (key)
		bpf_map_update_elem(&subflow_results, &key, &result, BPF_ANY);
}

/* No error and no subflow that ended: the connect() never went out. */
static __noinline __u8 result_of_subflow(struct sock *sk)
{
	__u64 key = (__u64)sk;
	__u8 *found = bpf_map_lookup_elem(&subflow_results, &key),
	     result = found ? *found : WIRE_RESULT_LOCAL;

	if (found)
		bpf_map_delete_elem(&subflow_results, &key);
	return result;
}

static __always_inline __u8 result_of_attempt(struct sock *sk, const struct socket_state *state)
{
	if (state->protocol == IPPROTO_MPTCP && !sk->sk_err)
		return result_of_subflow(sk);
	return result_of_error(sk->sk_err);
}

static __always_inline void attempt_ended(struct sock *sk, int from, int to)
{
	struct socket_state *state = socket_find(sk);
	struct tcp_sock *tcp;

	if (!state || state->flags & SOCKET_RELEASED)
		return;
	if (from == TCP_SYN_SENT && to == TCP_CLOSE) {
		slots_result(state, sk, result_of_attempt(sk, state), true);
	} else if (to == TCP_CLOSE) {
		slots_result(state, sk, result_of_error(sk->sk_err), false);
	} else {
		slots_result(state, sk, WIRE_RESULT_OPEN, true);
		/* connect(AF_UNSPEC) and connect() again: numbers begin anew */
		tcp = state->flags & SOCKET_BASED ? bpf_skc_to_tcp_sock(sk) : NULL;
		if (tcp)
			state->copied_seq = tcp->copied_seq;
	}
	if (from == TCP_SYN_SENT)
		state->attempt_state = ATTEMPT_NONE;
}

/* A connection came in. Nothing tells here whose it will be: the slot waits for the first to use or close it.
 * Runs in softirq, on the child socket. */
static __always_inline void accepted(struct sock *sk)
{
	struct moved moved = {
		.direction = WIRE_DIRECTION_IN, .result = WIRE_RESULT_OPEN, .peer_known = WIRE_PEER_SOCKET};
	struct socket_state *state = socket_get(sk);
	struct peer peer = {};

	if (state && state->flags & SOCKET_OUT) { /* both sides connected at once (RFC 9293, 3.5) */
		slots_result(state, sk, WIRE_RESULT_OPEN, true);
		state->attempt_state = ATTEMPT_NONE;
		return;
	}
	if (!state || cas(&state->slot[0].state, SLOT_FREE, SLOT_BUSY) != SLOT_FREE)
		return;
	set_bits(&state->flags, SOCKET_BEGUN);
	peer_of_socket(sk, &peer);
	slot_fill(&state->slot[0], current_task(), sk, &peer, &moved);
	state->slot[0].connection = state->connection;
	state->slot[0].first_ns = state->slot[0].last_ns = bpf_jiffies64();
	cas(&state->slot[0].state, SLOT_BUSY, SLOT_ACCEPTED);
}

/* A used socket is turned into a listener: its storage must go before it is cloned (CVE-2026-68399). */
static __always_inline void begins_to_listen(struct sock *sk)
{
	struct socket_state *state = socket_find(sk);

	if (!state)
		return;
	set_bits(&state->flags, SOCKET_RELEASED);
	for (int i = 0; i < SLOTS; i++)
		slot_send(&state->slot[i], state, true);
	socket_forget(sk);
}

/* ---- coverage that checks itself */

/* Bytes were read that no program saw: an urgent byte passed over at the very end, or runs that the kernel
 * skipped. Where only one image ever used the socket, they are its. */
static __always_inline void owner_read(struct socket_state *state, __u32 bytes)
{
	struct slot *owner = &state->slot[0];

	if (owner->state != SLOT_OWNED || owner->connection != state->connection ||
	    state->slot[1].state != SLOT_FREE) {
		lost(WIRE_LOSS_UNCOUNTED, bytes);
		return;
	}
	__sync_fetch_and_add(&owner->received, (__u64)bytes);
	if (state->flags & (SOCKET_RELEASED | SOCKET_KERNEL))
		slot_overflow(owner, state); /* nobody looks at this slot any more */
}

/* A connection that we saw from its beginning is over: does TCP know of bytes that we do not? What was never
 * read or never acknowledged is no loss. A send may still be under way, whose result is not counted yet,
 * until the last holder closes the socket: before that, only what was acknowledged is noted. */
static __always_inline void connection_over(struct sock *sk)
{
	struct socket_state *state = socket_find(sk);
	struct tcp_sock *tcp;
	__s32 unseen;

	if (!state || (state->flags & (SOCKET_BEGUN | SOCKET_UNCHECKED)) != SOCKET_BEGUN)
		return;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp || !is_known_plain(sk) || sk->sk_user_data)
		return;
	state->acked = tcp->bytes_acked;
	if (state->flags & SOCKET_RELEASED)
		find_unsent(state);
	if (!(state->flags & SOCKET_BASED))
		return;
	unseen = tcp_read_up_to(sk, tcp) - state->copied_seq;
	if (unseen <= 0)
		return;
	state->copied_seq += unseen; /* what is still queued may be read later */
	owner_read(state, unseen);
}

/* ---- SCTP, whose association has the states; the socket only tells that there is one */

/* connect() made the association: one that was accepted has no file yet (sctp_accept). */
static __always_inline void sctp_opened(struct sock *sk)
{
	struct socket_state *state = sk->sk_socket ? socket_get(sk) : NULL;

	if (state)
		set_bits(&state->flags, SOCKET_OUT);
}

static __always_inline void state_changed(struct sock *sk, int from, int to)
{
	bool asks = from == TCP_CLOSE && to == TCP_SYN_SENT;
	bool opens = to == TCP_ESTABLISHED && (from == TCP_SYN_SENT || from == TCP_SYN_RECV);

	if (from == TCP_CLOSE && to == TCP_ESTABLISHED && sk->sk_protocol == IPPROTO_SCTP)
		sctp_opened(sk);
	if (!asks && !opens && to != TCP_CLOSE && to != TCP_LISTEN)
		return;
	if (to == TCP_CLOSE && from != TCP_SYN_SENT && sk->sk_protocol == IPPROTO_TCP)
		connection_over(sk);
	if (to == TCP_CLOSE && from != TCP_SYN_SENT && !sk->sk_err)
		return; /* closed in order: no other news */
	if (sk->sk_protocol == IPPROTO_TCP && !is_known_plain(sk)) {
		struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

		if (tcp && is_subflow(tcp)) {
			if (from == TCP_SYN_SENT && to == TCP_CLOSE)
				subflow_ended(sk);
			return; /* the connection is the MPTCP socket above it */
		}
	}
	if (asks)
		attempt_sent(sk);
	else if (to == TCP_LISTEN)
		begins_to_listen(sk);
	else if (from == TCP_SYN_RECV && to == TCP_ESTABLISHED)
		accepted(sk);
	else
		attempt_ended(sk, from, to);
}

PROGRAM_REPEATED("tp_btf/inet_sock_set_state", on_state, TOKEN_STATE,
		 sk->__sk_common.skc_num ^ sk->__sk_common.skc_dport, state_changed(sk, from, to),
		 struct sock *sk, int from, int to)
