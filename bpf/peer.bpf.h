/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer.bpf.h - both ends of a socket: who the other one is, and our own address.
 */
#ifndef FEMTOSNITCH_PEER_BPF_H
#define FEMTOSNITCH_PEER_BPF_H

#include "bpf/maps.bpf.h"

static __always_inline bool peer_same(const struct peer *a, const struct peer *b)
{
	return a->addr[0] == b->addr[0] && a->port == b->port && a->family == b->family &&
	       a->addr[1] == b->addr[1] && a->addr[2] == b->addr[2] && a->addr[3] == b->addr[3];
}

/* ::ffff:a.b.c.d on an IPv6 socket is IPv4 traffic and is called so. */
static __always_inline void peer_normalise(struct peer *peer)
{
	if (peer->family == AF_INET6 && !peer->addr[0] && !peer->addr[1] &&
	    peer->addr[2] == bpf_htonl(0xffff)) {
		peer->addr[0] = peer->addr[3];
		peer->addr[2] = peer->addr[3] = 0;
		peer->family = AF_INET;
	}
}

/* The peer the socket is connected to; all zero but the family if it is not. */
static __always_inline void peer_of_socket(const struct sock *sk, struct peer *peer)
{
	peer->family = sk->__sk_common.skc_family;
	peer->port = bpf_ntohs(sk->__sk_common.skc_dport);
	if (peer->family == AF_INET) {
		peer->addr[0] = sk->__sk_common.skc_daddr;
		return;
	}
	peer->addr[0] = sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32[0];
	peer->addr[1] = sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32[1];
	peer->addr[2] = sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32[2];
	peer->addr[3] = sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32[3];
	peer_normalise(peer);
}

static __always_inline bool peer_has_address(const struct peer *peer)
{
	return peer->addr[0] || peer->addr[1] || peer->addr[2] || peer->addr[3];
}

static __always_inline bool peer_known(const struct peer *peer)
{
	return peer->port || peer_has_address(peer);
}

/* The local port of a socket that has lost it: a reset sets skc_num to 0, inet_sport stays. */
static __noinline __u16 port_before_reset(struct sock *sk)
{
	return bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
}

/* The local end, read straight through the trusted pointer: a probe read costs ten times as much. */
static __always_inline void local_end(struct sock *sk, __u16 peer_family, __u32 laddr[4], __u16 *lport)
{
	*lport = sk->sk_type == SOCK_RAW ? 0 : sk->__sk_common.skc_num;
	if (!*lport && sk->sk_type == SOCK_STREAM)
		*lport = port_before_reset(sk);
	if (sk->__sk_common.skc_family == AF_INET) {
		laddr[0] = sk->__sk_common.skc_rcv_saddr;
		return;
	}
	laddr[3] = sk->__sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32[3];
	if (peer_family == AF_INET) { /* mapped, or the wildcard */
		laddr[0] = laddr[3];
		laddr[3] = 0;
		return;
	}
	laddr[0] = sk->__sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32[0];
	laddr[1] = sk->__sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32[1];
	laddr[2] = sk->__sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32[2];
}

/* struct sockaddr_in and sockaddr_in6 in one. */
struct sockname {
	__u16 family;
	__u16 port;
	__u32 in_addr; /* IPv6: flow information */
	__u32 in6_addr[4];
};
#define SOCKNAME_IN 8 /* bytes of it that IPv4 has */

/* False: neither IPv4 nor IPv6. */
static __always_inline bool peer_of_name(const struct sockname *name, bool has_port, struct peer *peer)
{
	if (name->family == AF_INET)
		peer->addr[0] = name->in_addr;
	else if (name->family == AF_INET6)
		__builtin_memcpy(peer->addr, name->in6_addr, sizeof(peer->addr));
	else
		return false;
	peer->family = name->family;
	peer->port = has_port ? bpf_ntohs(name->port) : 0;
	peer_normalise(peer);
	return true;
}

/* The address a cgroup hook was called for. */
static __always_inline void peer_of_hook4(const struct bpf_sock_addr *ctx, struct peer *peer)
{
	peer->addr[0] = ctx->user_ip4;
	peer->port = bpf_ntohs((__u16)ctx->user_port);
	peer->family = AF_INET;
}

static __always_inline void peer_of_hook6(const struct bpf_sock_addr *ctx, struct peer *peer)
{
	peer->addr[0] = ctx->user_ip6[0];
	peer->addr[1] = ctx->user_ip6[1];
	peer->addr[2] = ctx->user_ip6[2];
	peer->addr[3] = ctx->user_ip6[3];
	peer->port = bpf_ntohs((__u16)ctx->user_port);
	peer->family = AF_INET6;
	peer_normalise(peer);
}

/* Who made the socket; an accepted one has this of its listener (sk_clone). */
static __always_inline void creator_of(const struct sock *sk, __u32 *uid, __u64 *cgroup)
{
	*uid = sk->sk_uid.val;
	if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup) && sk->sk_cgrp_data.cgroup)
		*cgroup = sk->sk_cgrp_data.cgroup->kn->id;
}

/* Up to where the stream was read. The FIN takes a number, but is no byte. */
static __always_inline __u32 tcp_read_up_to(const struct sock *sk, const struct tcp_sock *tcp)
{
	__u32 seq = tcp->copied_seq;

	return seq == tcp->rcv_nxt && sk->__sk_common.skc_flags & (1 << SOCK_DONE) ? seq - 1 : seq;
}

/* TCP with nothing between socket and user (kTLS, sockmap, MPTCP), told by its struct proto, which those
 * replace. False also while no such socket has been met. */
static __always_inline bool is_known_plain(const struct sock *sk)
{
	return (__u64)sk->__sk_common.skc_prot == shared.plain_tcp[sk->__sk_common.skc_family == AF_INET6];
}

/* A TCP socket below an MPTCP one, which is the connection. */
static __always_inline bool is_subflow(const struct tcp_sock *tcp)
{
	return bpf_core_field_exists(tcp->is_mptcp) && tcp->is_mptcp;
}

/* One peer from connect() or accept() to the end. One-to-many SCTP is no connection: each message has its
 * own. */
static __always_inline bool is_connection(const struct sock *sk)
{
	__u16 protocol = sk->sk_protocol;

	return protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP ||
	       (protocol == IPPROTO_SCTP && sk->sk_type == SOCK_STREAM);
}

#endif
