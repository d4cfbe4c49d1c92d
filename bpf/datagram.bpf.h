/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * datagram.bpf.h - sockets without a connection: UDP, UDP-Lite, raw, ping, one-to-many SCTP. Each message may
 * have a peer of its own, so the work is to find out who it is.
 */
#ifndef FEMTOSNITCH_DATAGRAM_BPF_H
#define FEMTOSNITCH_DATAGRAM_BPF_H

#include "bpf/caller.bpf.h"
#include "bpf/name.bpf.h"
#include "bpf/stash.bpf.h"

static __always_inline void remember_peer(struct socket_state *state, const struct peer *peer)
{
	if (!state->peers) {
		state->only_peer = *peer;
		state->peers = 1;
	} else if (state->peers == 1 && !peer_same(&state->only_peer, peer)) {
		state->peers = 2;
	}
}

/* The peer of a message that no hook has shown. */
static __always_inline bool unseen_peer(struct sock *sk, struct peer *peer, struct moved *moved,
					bool receiving)
{
	__u16 protocol = sk->sk_protocol;

	moved->peer_known = WIRE_PEER_CALLER;
	if (protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE)
		return false; /* the cgroup hooks see all there is */
	if (!receiving)
		return caller_destination(peer, protocol == IPPROTO_SCTP);
	return sk->sk_type == SOCK_RAW && peer->family == AF_INET && caller_ipv4_source(peer);
}

/* Who the other end is, from the best source there is. named: what a trampoline read from the kernel's
 * message header, family 0 = nothing, NULL = no trampoline. */
static __always_inline void datagram_peer(struct sock *sk, struct socket_state *state, struct peer *peer,
					  struct moved *moved, const struct peer *named, bool stashed,
					  bool receiving)
{
	bool found = stashed;

	moved->peer_known = WIRE_PEER_MESSAGE;
	if (!found) {
		peer_of_socket(sk, peer);
		if (peer_known(peer) && (!named || !named->family || peer_same(named, peer))) {
			moved->peer_known = WIRE_PEER_SOCKET;
			return;
		}
		if (named && named->family) {
			*peer = *named;
			found = true;
		} else {
			found = unseen_peer(sk, peer, moved, receiving);
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

/* A datagram that may name somebody. msg: see name_bytes() */
static __always_inline void datagram_name(struct sock *sk, struct socket_state *state,
					  const struct msghdr *msg, int ret, const struct peer *peer,
					  bool receiving)
{
	if (receiving && is_name_port(peer->port))
		name_answer(sk, state, msg, ret, peer);
	else if (!receiving && is_question_port(peer->port))
		name_question(sk, state, msg, ret, peer);
	else if (!receiving && !is_named(state, peer))
		name_datagram(sk, state, msg, ret, peer);
}

static __always_inline void datagram(struct sock *sk, const struct msghdr *msg, int ret, int flags,
				     const struct peer *named, bool receiving)
{
	bool udp = sk->sk_protocol == IPPROTO_UDP || sk->sk_protocol == IPPROTO_UDPLITE;
	struct moved moved = {.direction = receiving ? WIRE_DIRECTION_IN : WIRE_DIRECTION_OUT};
	struct task_struct *task = current_task();
	struct socket_state *state;
	struct wire_image_key image;
	struct peer peer = {};
	bool stashed;

	state = ret >= 0 ? socket_get(sk) : socket_find(sk);
	/* before ret is tested: a failed call leaves one too */
	stashed = udp && (!state || state->stashed) && stash_take(state, TASK(task, pid), &peer, receiving);
	if (!EARLY && receiving && sk->sk_protocol == IPPROTO_SCTP) /* sock_module.bpf.c */
		stashed = asking_take(TASK(task, pid), &peer, true);
	if (ret < 0 || (receiving && (!ret || flags & (MSG_PEEK | MSG_ERRQUEUE))))
		return; /* an empty datagram that is sent counts as use of the network */
	if (stashed && peer.family == PEER_NOTIFICATION)
		return;
	datagram_peer(sk, state, &peer, &moved, named, stashed, receiving);
	if (receiving)
		moved.received = ret;
	else
		moved.sent = ret;
	mover(sk, state, task, &image);
	if (state)
		count(sk, state, &image, &peer, &moved, false);
	else
		overflow_count(sk, &image, &peer, &moved);
	if (state && udp && !(flags & MSG_TRUNC))
		datagram_name(sk, state, msg, ret, &peer, receiving);
}

#endif
