/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attempt.bpf.h - the two ends of a connection that its states do not show: connect() was called, and the
 * last holder closed the socket.
 */
#ifndef FEMTOSNITCH_ATTEMPT_BPF_H
#define FEMTOSNITCH_ATTEMPT_BPF_H

#include "bpf/report.bpf.h"

static __always_inline __u8 result_of_error(int err)
{
	switch (err) {
	case 0:
		return WIRE_RESULT_ABORTED;
	case ECONNREFUSED:
		return WIRE_RESULT_REFUSED;
	case ETIMEDOUT:
		return WIRE_RESULT_TIMEOUT;
	case ECONNRESET:
		return WIRE_RESULT_RESET;
	case EPERM:
		return WIRE_RESULT_LOCAL;
	default:
		return WIRE_RESULT_UNREACHABLE;
	}
}

/* connect() was called, and nothing is known yet of what the protocol will do. sk may be NULL: then it is not
 * asked whether it is the kernel's own. */
static __always_inline void attempt_asked(struct socket_state *state, struct sock *sk,
					  const struct peer *peer)
{
	struct task_struct *task = current_task();

	if (state->attempt_state == ATTEMPT_ASKED)
		attempt_failed_here(state);
	if (sk && BPF_CORE_READ_BITFIELD(sk, sk_kern_sock))
		kernel_socket_image(sk, &state->attempt.image);
	else
		image_key(task, &state->attempt.image);
	state->attempt.peer = *peer;
	state->attempt.time_ns = bpf_jiffies64();
	state->attempt.uid = task_uid(task);
	state->attempt.netns = task_netns(task);
	state->attempt_state = ATTEMPT_ASKED;
	image_uses_network(task, &state->attempt.image);
}

/* The MPTCP socket that a subflow belongs to (bpf_skc_to_mptcp_sock: Linux 5.19), or NULL. */
static __always_inline struct sock *mptcp_above(void *subflow)
{
	if (EARLY || !bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_skc_to_mptcp_sock))
		return NULL;
	return (struct sock *)bpf_skc_to_mptcp_sock(subflow);
}

/* An MPTCP socket has no address until it is established; the connect() of its first subflow has it. */
static __always_inline void subflow_asked(void *subflow, const struct peer *peer)
{
	struct sock *sk = mptcp_above(subflow);
	struct socket_state *state = sk ? socket_find(sk) : NULL;

	if (!state || state->attempt_state != ATTEMPT_SENT || peer_has_address(&state->attempt.peer))
		return;
	state->attempt.peer = *peer;
	for (int i = 0; i < SLOTS; i++) {
		struct slot *slot = &state->slot[i];

		if (slot->state != SLOT_OWNED || slot->connection != state->connection)
			continue;
		slot->peer = *peer;
		slot->peer_known = WIRE_PEER_SOCKET;
	}
}

/* A connect() that never began is an attempt without a slot. */
static __always_inline void attempt_abandoned(struct socket_state *state)
{
	if (state->attempt_state == ATTEMPT_ASKED)
		attempt_failed_here(state);
	if (state->attempt_state != ATTEMPT_SENT)
		return;
	for (int i = 0; i < SLOTS; i++)
		if (state->slot[i].state == SLOT_OWNED && state->slot[i].connection == state->connection)
			state->slot[i].result = WIRE_RESULT_ABORTED; /* closed in SYN_SENT: no error is set */
}

/* Nobody sends any more: was more acknowledged than anybody was seen to send? SYN and FIN count like a byte
 * each, where they are counted. */
static __always_inline void find_unsent(const struct socket_state *state)
{
	__u64 sent = state->slot[0].sent + state->slot[1].sent + state->overflow_sent;

	if (state->acked > sent + 2)
		lost(WIRE_LOSS_UNCOUNTED, state->acked - sent - 2);
}

/* The last close of a socket, in the closer's context. No byte can move afterwards, but the socket stays
 * visible to the iterator for a while: SOCKET_RELEASED makes it look away. */
static __always_inline void socket_ended(struct socket_state *state)
{
	struct slot *first = &state->slot[0];

	set_bits(&state->flags, SOCKET_RELEASED);
	attempt_abandoned(state);
	if (cas(&first->state, SLOT_ACCEPTED, SLOT_BUSY) == SLOT_ACCEPTED) {
		/* accepted and closed without a byte: it is the closer's */
		struct task_struct *task = current_task();

		mover(NULL, state, task, &first->image);
		first->uid = task_uid(task);
		cas(&first->state, SLOT_BUSY, SLOT_OWNED);
		image_uses_network(task, &first->image);
	}
	for (int i = 0; i < SLOTS; i++)
		slot_send(&state->slot[i], state, true);
	find_unsent(state);
}

#endif
