/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * socket.bpf.h - what a call moved on a socket, whichever hook saw it: sent() and received().
 */
#ifndef FEMTOSNITCH_SOCKET_BPF_H
#define FEMTOSNITCH_SOCKET_BPF_H

#include "bpf/connection.bpf.h"
#include "bpf/datagram.bpf.h"

/* ---- families without a release hook: the overflow hash from the first byte */

/* Those that leave the machine, or reach a virtual one. */
static __always_inline bool is_other_network(__u16 family)
{
	return family == AF_PACKET || family == AF_VSOCK || family == AF_SMC || family == AF_RDS ||
	       family == AF_TIPC;
}

/* The type is known once the module vsock is loaded; a peer is a context id and a port (vsock(7)). */
static __noinline void vsock_peer(struct sock *sk, struct peer *peer)
{
	const struct vsock_sock *vsk = (const void *)sk;
	__u32 port;

	if (!bpf_core_type_exists(struct vsock_sock))
		return;
	peer->addr[0] = BPF_CORE_READ(vsk, remote_addr.svm_cid);
	port = BPF_CORE_READ(vsk, remote_addr.svm_port);
	if (port <= 0xffff)
		peer->port = port;
}

static __always_inline void other_family(struct sock *sk, int ret, int flags, bool receiving)
{
	struct moved moved = {.peer_known = WIRE_PEER_UNKNOWN};
	struct wire_image_key image;
	struct peer peer = {};

	if (ret <= 0 || (receiving && flags & (MSG_PEEK | MSG_ERRQUEUE)))
		return;
	moved.direction = receiving ? WIRE_DIRECTION_IN : WIRE_DIRECTION_OUT;
	peer.family = sk->__sk_common.skc_family;
	if (!receiving)
		moved.sent = ret;
	else if (peer.family == AF_PACKET)
		moved.sniffed = ret; /* a copy of somebody's traffic, not traffic */
	else
		moved.received = ret;
	if (peer.family == AF_VSOCK) {
		vsock_peer(sk, &peer);
		moved.peer_known = WIRE_PEER_SOCKET;
	}
	mover(sk, NULL, current_task(), &image);
	overflow_count(sk, &image, &peer, &moved);
}

/* ---- what a call moved; ret is what it returns */

/* msg: see name_bytes(); named: see datagram_peer() */
static __always_inline void sent(struct sock *sk, const struct msghdr *msg, int ret, const struct peer *named)
{
	__u16 family = sk->__sk_common.skc_family;

	if (family == AF_INET || family == AF_INET6) {
		if (is_connection(sk))
			connection_sent(sk, msg, ret);
		else
			datagram(sk, msg, ret, 0, named, false);
	} else if (is_other_network(family)) {
		other_family(sk, ret, 0, false);
	}
}

static __always_inline void received(struct sock *sk, const struct msghdr *msg, int ret, int flags,
				     const struct peer *named)
{
	__u16 family = sk->__sk_common.skc_family;

	if (family == AF_INET || family == AF_INET6) {
		if (is_connection(sk))
			connection_received(sk, msg, ret, flags);
		else
			datagram(sk, msg, ret, flags, named, true);
	} else if (is_other_network(family)) {
		other_family(sk, ret, flags, true);
	}
}

#endif
