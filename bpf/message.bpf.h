/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * message.bpf.h - what the kernel's own message header says of a send or receive: only trampolines have it.
 */
#ifndef FEMTOSNITCH_MESSAGE_BPF_H
#define FEMTOSNITCH_MESSAGE_BPF_H

#include "bpf/peer.bpf.h"

/* The destination of a send, or, after a receive that asked for it, the source. False: there is none. */
static __noinline __attribute__((unused)) bool message_peer(const struct sock *sk, const struct msghdr *msg,
							    struct peer *peer)
{
	__u16 protocol = BPF_CORE_READ_BITFIELD_PROBED(sk, sk_protocol);
	const void *at = BPF_CORE_READ(msg, msg_name);
	int len = BPF_CORE_READ(msg, msg_namelen);
	struct sockname name = {};

	if (!at || len < SOCKNAME_IN || bpf_probe_read_kernel(&name, sizeof(name), at))
		return false;
	return peer_of_name(
		&name, protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE || protocol == IPPROTO_SCTP,
		peer);
}

/* SCTP: no bytes of the other end, but what the kernel has to say of the association (RFC 6458, 6.1). */
static __always_inline bool message_is_notification(const struct msghdr *msg)
{
	return BPF_CORE_READ(msg, msg_flags) & MSG_NOTIFICATION;
}

#endif
