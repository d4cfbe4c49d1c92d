/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * account.bpf.h - where bytes are added up: slots in the socket's own storage, and the overflow hash for all
 * that finds no slot. Rules that hold everywhere:
 *
 *  - a slot is claimed once, for an image and a peer, and never changes hands;
 *  - counting does not depend on storage: any user can make bpf_sk_storage_get() fail by filling the socket's
 *    option memory, so NULL means the overflow hash, not a loss;
 *  - a TCP socket in LISTEN never owns storage: sk_clone() would copy it (CVE-2026-68399).
 */
#ifndef FEMTOSNITCH_ACCOUNT_BPF_H
#define FEMTOSNITCH_ACCOUNT_BPF_H

#include "bpf/image.bpf.h"

/* Bytes of one call. */
struct moved {
	__u64 sent, received, sniffed;
	__u8 direction; /* of the flow, should this call be its first */
	__u8 peer_known;
	__u8 result;
	__u8 pad[5];
};

static __always_inline bool peer_same(const struct peer *a, const struct peer *b)
{
	return a->addr[0] == b->addr[0] && a->port == b->port && a->family == b->family &&
	       a->addr[1] == b->addr[1] && a->addr[2] == b->addr[2] && a->addr[3] == b->addr[3];
}

/* ::ffff:a.b.c.d on an IPv6 socket is IPv4 traffic and is called so. */
static __always_inline void peer_normalise(struct peer *peer)
{
	if (peer->family == AF_INET6 && !peer->addr[0] && !peer->addr[1] && peer->addr[2] == bpf_htonl(0xffff)) {
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

static __always_inline bool peer_known(const struct peer *peer)
{
	return peer->port || peer->addr[0] || peer->addr[1] || peer->addr[2] || peer->addr[3];
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

/* One peer from connect() or accept() to the end. One-to-many SCTP is no connection: each message has its own. */
static __always_inline bool is_connection(const struct sock *sk)
{
	__u16 protocol = sk->sk_protocol;

	return protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP ||
	       (protocol == IPPROTO_SCTP && sk->sk_type == SOCK_STREAM);
}

/* Who moves the bytes. A socket of the kernel's own is the kernel's even when it works in a user's context. */
static __always_inline void mover(const struct socket_state *state, struct wire_image_key *key)
{
	if (state && state->flags & SOCKET_KERNEL)
		__builtin_memset(key, 0, sizeof(*key));
	else
		image_key(bpf_get_current_task_btf(), key);
}

/* ---- the overflow hash */

static __always_inline struct wire_flow *overflow_find(const struct overflow_key *key, void **map)
{
	__u32 zero = 0;

	*map = bpf_map_lookup_elem(&overflow, &zero);
	return *map ? bpf_map_lookup_elem(*map, key) : NULL;
}

/* Half full before the window ends: the collector is woken to empty it. */
static __noinline void overflow_call(void)
{
	struct {
		struct wire_hdr hdr;
		struct wire_tick tick;
	} rec = { .hdr = { .version = WIRE_VERSION, .type = WIRE_TICK, .len = sizeof(rec.tick) } };

	shared.overflow_called = 1;
	bpf_ringbuf_output(&ring, &rec, sizeof(rec), BPF_RB_FORCE_WAKEUP);
}

static __always_inline struct wire_flow *overflow_insert(void *map, const struct overflow_key *key,
							 const struct wire_flow *flow)
{
	bpf_map_update_elem(map, key, flow, BPF_NOEXIST); /* another CPU may have been first: the same flow */
	__sync_fetch_and_add(&shared.overflow_used, 1);
	if (shared.overflow_used - shared.overflow_taken > OVERFLOW_MAX / 2 && !shared.overflow_called)
		overflow_call();
	return bpf_map_lookup_elem(map, key);
}

static __always_inline void flow_add(struct wire_flow *flow, const struct moved *moved)
{
	flow->last_ns = bpf_jiffies64();
	if (moved->sent)
		__sync_fetch_and_add(&flow->sent_bytes, moved->sent);
	if (moved->received)
		__sync_fetch_and_add(&flow->received_bytes, moved->received);
	if (moved->sniffed)
		__sync_fetch_and_add(&flow->sniffed_bytes, moved->sniffed);
}

static __always_inline void flow_fill(struct wire_flow *flow, struct sock *sk, const struct peer *peer)
{
	__u16 family = sk->__sk_common.skc_family;

	flow->first_ns = bpf_jiffies64();
	flow->netns = sk->__sk_common.skc_net.net->ns.inum;
	flow->uid = bpf_get_current_uid_gid();
	flow->family = peer->family ? peer->family : family;
	if (family == AF_PACKET) {
		flow->protocol = bpf_ntohs(BPF_CORE_READ((struct packet_sock *)sk, num));
	} else if (family != AF_VSOCK) {
		flow->protocol = sk->sk_protocol;
		local_end(sk, flow->family, (__u32 *)flow->laddr, &flow->lport);
	}
	__builtin_memcpy(flow->raddr, peer->addr, sizeof(flow->raddr));
	flow->rport = peer->port;
}

/* Add to the flow of (image, socket, peer) in the overflow hash, which is made if there is none. What finds no
 * room there either is lost, and counted with its bytes. */
static __noinline void overflow_count(struct sock *sk, const struct wire_image_key *image,
				      const struct peer *peer, const struct moved *moved)
{
	struct overflow_key key = {};
	struct wire_flow *flow;
	void *map;

	image_uses_network(image);
	key.image = *image;
	key.cookie = bpf_get_socket_cookie(sk);
	key.peer = *peer;
	key.protocol = sk->sk_protocol;
	key.direction = moved->direction;
	key.result = moved->result;
	flow = overflow_find(&key, &map);
	if (!flow && map) {
		struct wire_flow fresh = {};

		fresh.image = *image;
		fresh.cookie = key.cookie;
		fresh.direction = moved->direction;
		fresh.peer = moved->peer_known;
		fresh.result = moved->result;
		fresh.flags = WIRE_FLOW_OVERFLOW;
		flow_fill(&fresh, sk, peer);
		flow = overflow_insert(map, &key, &fresh);
	}
	if (flow)
		flow_add(flow, moved);
	else
		lost(WIRE_LOSS_OVERFLOW_FULL, moved->sent + moved->received + moved->sniffed);
}

/* ---- slots */

static __noinline void slot_fill(struct slot *slot, struct sock *sk, const struct peer *peer,
				 const struct moved *moved)
{
	slot->peer = *peer;
	slot->netns = sk->__sk_common.skc_net.net->ns.inum;
	slot->uid = bpf_get_current_uid_gid();
	slot->direction = moved->direction;
	slot->peer_known = moved->peer_known;
	slot->result = moved->result;
	local_end(sk, peer->family, slot->laddr, &slot->lport);
}

/* Take a free slot, or an accepted connection that waits for its owner. The state goes through BUSY, so that
 * no other CPU reads a half-written owner; whoever meets BUSY uses the overflow hash. */
static __always_inline bool slot_claim(struct slot *slot, struct sock *sk, struct socket_state *state,
				       const struct wire_image_key *image, const struct peer *peer,
				       const struct moved *moved)
{
	__u32 was = *(volatile __u32 *)&slot->state;

	if (was == SLOT_ACCEPTED && slot->connection != state->connection)
		return false;
	if (was != SLOT_FREE && was != SLOT_ACCEPTED)
		return false;
	if (__sync_val_compare_and_swap(&slot->state, was, SLOT_BUSY) != was)
		return false;
	if (!state->cookie)
		state->cookie = bpf_get_socket_cookie(sk);
	slot->image = *image;
	slot->connection = state->connection;
	if (was == SLOT_FREE)
		slot_fill(slot, sk, peer, moved);
	else
		slot->uid = bpf_get_current_uid_gid();
	if (state->flags & SOCKET_SEEDED)
		slot->seeded = 1;
	/* a full barrier: owner and peer are written before the state says so */
	__sync_val_compare_and_swap(&slot->state, SLOT_BUSY, SLOT_OWNED);
	return true;
}

static __always_inline void slot_add(struct slot *slot, const struct moved *moved)
{
	__u64 now = bpf_jiffies64();

	slot->last_ns = now;
	if (!slot->first_ns)
		slot->first_ns = now;
	if (moved->sent)
		__sync_fetch_and_add(&slot->sent, moved->sent);
	if (moved->received)
		__sync_fetch_and_add(&slot->received, moved->received);
}

static __always_inline bool slot_is(const struct slot *slot, const struct socket_state *state,
				    const struct wire_image_key *image, const struct peer *peer, bool connection)
{
	if (*(volatile const __u32 *)&slot->state != SLOT_OWNED || !image_same(&slot->image, image))
		return false;
	return connection ? slot->connection == state->connection : peer_same(&slot->peer, peer);
}

static __noinline bool slot_new(struct sock *sk, struct socket_state *state, const struct wire_image_key *image,
				const struct peer *peer, const struct moved *moved)
{
	for (int i = 0; i < SLOTS; i++) {
		struct slot *slot = &state->slot[i];

		if (slot_claim(slot, sk, state, image, peer, moved)) {
			image_uses_network(image);
			slot_add(slot, moved);
			return true;
		}
	}
	return false;
}

/* Add what a call moved to the flow of (image, peer) on this socket. For connections the peer is asked for
 * only when a slot is made: slots tell connections apart by their number. */
static __always_inline void count(struct sock *sk, struct socket_state *state, struct wire_image_key *image,
				  struct peer *peer, struct moved *moved, bool connection)
{
	for (int i = 0; i < SLOTS; i++) {
		struct slot *slot = &state->slot[i];

		if (slot_is(slot, state, image, peer, connection)) {
			slot_add(slot, moved);
			return;
		}
	}
	if (BPF_CORE_READ_BITFIELD(sk, sk_kern_sock)) {
		__sync_fetch_and_or(&state->flags, SOCKET_KERNEL); /* mover() knows from the next call on */
		__builtin_memset(image, 0, sizeof(*image));
	}
	if (connection)
		peer_of_socket(sk, peer);
	if (connection && !peer_known(peer))
		moved->peer_known = WIRE_PEER_UNKNOWN;
	if (shared.no_release || !slot_new(sk, state, image, peer, moved))
		overflow_count(sk, image, peer, moved);
}

/* ---- storage */

/* The state of a socket, made if there is none. NULL: it cannot be made (use the overflow hash), or the socket
 * listens. Two CPUs that make it at once: the second gets NULL (-EEXIST inside), hence the second look-up. */
static __always_inline struct socket_state *socket_get(struct sock *sk)
{
	struct socket_state *state = bpf_sk_storage_get(&sockets, sk, NULL, 0);

	if (state)
		return state;
	if (sk->__sk_common.skc_state == TCP_LISTEN && is_connection(sk))
		return NULL;
	state = bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!state) {
		state = bpf_sk_storage_get(&sockets, sk, NULL, 0);
		if (!state) {
			shared.storage_failed = 1;
			return NULL;
		}
	}
	state->protocol = sk->sk_protocol;
	return state;
}

/* ---- reporting a slot: used by the iterator, by release and by sockets that begin to listen */

/* Move *reported up to *counter; the difference belongs to whoever succeeds. A few tries: the counter may grow
 * meanwhile, and what is not taken now is taken next time. */
static __always_inline __u64 take(volatile __u64 *counter, __u64 *reported)
{
	for (int i = 0; i < 4; i++) {
		__u64 was = *(volatile __u64 *)reported, now = *counter;

		if (now <= was)
			return 0;
		if (__sync_val_compare_and_swap(reported, was, now) == was)
			return now - was;
	}
	return 0;
}

static __always_inline bool slot_has_news(const struct slot *slot)
{
	return *(volatile const __u32 *)&slot->state == SLOT_OWNED &&
	       (slot->sent != slot->sent_reported || slot->received != slot->received_reported ||
		slot->result != slot->result_reported || !slot->announced);
}

/* Take the difference into flow. */
static __always_inline void slot_take(struct slot *slot, const struct socket_state *state, struct wire_flow *flow)
{
	flow->cookie = state->cookie;
	flow->image = slot->image;
	flow->netns = slot->netns;
	flow->uid = slot->uid;
	__builtin_memcpy(flow->laddr, slot->laddr, sizeof(flow->laddr));
	__builtin_memcpy(flow->raddr, slot->peer.addr, sizeof(flow->raddr));
	flow->lport = slot->lport;
	flow->rport = slot->peer.port;
	flow->family = slot->peer.family;
	flow->protocol = state->protocol;
	flow->direction = slot->direction;
	flow->peer = slot->peer_known;
	flow->result = slot->result;
	flow->flags = slot->seeded ? WIRE_FLOW_SEEDED : 0;
	slot->result_reported = slot->result;
	slot->announced = 1;
	/* before the bytes: a byte counted from here on begins a new window, even if it is taken below */
	flow->first_ns = __sync_lock_test_and_set(&slot->first_ns, 0);
	flow->last_ns = slot->last_ns;
	flow->sent_bytes = take(&slot->sent, &slot->sent_reported);
	flow->received_bytes = take(&slot->received, &slot->received_reported);
}

struct flow_record {
	struct wire_hdr hdr;
	struct wire_flow flow;
};

static __always_inline void flow_hdr(struct wire_hdr *hdr)
{
	hdr->version = WIRE_VERSION;
	hdr->type = WIRE_FLOW;
	hdr->len = sizeof(struct wire_flow);
}

/* A full ring is no loss: the overflow hash takes what a socket that goes away still had to say. */
static __noinline void slot_overflow(struct slot *slot, const struct socket_state *state)
{
	struct overflow_key key = {};
	struct wire_flow flow = {}, *there;
	void *map;

	slot_take(slot, state, &flow);
	flow.flags |= WIRE_FLOW_OVERFLOW;
	key.image = flow.image;
	key.cookie = flow.cookie;
	key.peer = slot->peer;
	key.protocol = flow.protocol;
	key.direction = flow.direction;
	key.result = flow.result;
	there = overflow_find(&key, &map);
	if (there) {
		struct moved moved = { .sent = flow.sent_bytes, .received = flow.received_bytes };

		flow_add(there, &moved);
	} else if (!map || !overflow_insert(map, &key, &flow)) {
		lost(WIRE_LOSS_OVERFLOW_FULL, flow.sent_bytes + flow.received_bytes);
	}
}

/* Report a slot through the ring now, because the socket goes away. */
static __always_inline void slot_send(struct slot *slot, const struct socket_state *state, bool ended)
{
	struct flow_record *rec;

	if (!slot_has_news(slot))
		return;
	rec = bpf_ringbuf_reserve(&ring, sizeof(*rec), 0);
	if (!rec) {
		slot_overflow(slot, state);
		return;
	}
	__builtin_memset(rec, 0, sizeof(*rec));
	flow_hdr(&rec->hdr);
	slot_take(slot, state, &rec->flow);
	if (ended)
		rec->flow.flags |= WIRE_FLOW_ENDED;
	bpf_ringbuf_submit(rec, wake(false));
}

/* ---- an attempt that never began */

/* connect() was called and the protocol never began to connect: report it, through the overflow hash. */
static __noinline __attribute__((unused)) void attempt_failed_here(struct socket_state *state)
{
	struct overflow_key key = {};
	struct wire_flow flow = {};
	void *map;

	key.image = flow.image = state->attempt.image;
	key.cookie = flow.cookie = state->cookie;
	key.peer = state->attempt.peer;
	key.protocol = flow.protocol = state->protocol;
	key.result = flow.result = WIRE_RESULT_LOCAL;
	flow.family = state->attempt.peer.family;
	flow.rport = state->attempt.peer.port;
	flow.first_ns = flow.last_ns = state->attempt.time_ns;
	flow.uid = state->attempt.uid;
	flow.netns = state->attempt.netns;
	flow.flags = WIRE_FLOW_OVERFLOW;
	__builtin_memcpy(flow.raddr, state->attempt.peer.addr, sizeof(flow.raddr));
	if (!overflow_find(&key, &map) && (!map || !overflow_insert(map, &key, &flow)))
		lost(WIRE_LOSS_OVERFLOW_FULL, 0);
	state->attempt.state = ATTEMPT_NONE;
}

#endif
