/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * overflow.bpf.h - the overflow hash: flows that have no slot in a socket's storage. Its value is the record
 * that is reported; the collector takes them all at each sweep, or earlier when it is called.
 */
#ifndef FEMTOSNITCH_OVERFLOW_BPF_H
#define FEMTOSNITCH_OVERFLOW_BPF_H

#include "bpf/image.bpf.h"
#include "bpf/state.bpf.h"

/* Bytes of one call. */
struct moved {
	__u64 sent, received, sniffed;
	__u8 direction; /* of the flow, should this call be its first */
	__u8 peer_known;
	__u8 result;
	__u8 pad[5];
};

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
	} rec = {.hdr = {.version = WIRE_VERSION, .type = WIRE_TICK, .len = sizeof(rec.tick)}};

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

static __always_inline void flow_fill(struct wire_flow *flow, const struct task_struct *task, struct sock *sk,
				      const struct peer *peer)
{
	__u16 family = sk->__sk_common.skc_family;

	flow->first_ns = bpf_jiffies64();
	flow->netns = sk->__sk_common.skc_net.net->ns.inum;
	flow->uid = task_uid(task);
	flow->family = peer->family ? peer->family : family;
	if (family == AF_PACKET) {
		flow->protocol = bpf_ntohs(BPF_CORE_READ((struct packet_sock *)sk, num));
	} else if (family == AF_INET || family == AF_INET6) {
		flow->protocol = sk->sk_protocol;
		local_end(sk, flow->family, (__u32 *)flow->laddr, &flow->lport);
	}
	__builtin_memcpy(flow->raddr, peer->addr, sizeof(flow->raddr));
	flow->rport = peer->port;
	creator_of(sk, &flow->creator_uid, &flow->creator_cgroup);
}

static __noinline void overflow_add(struct sock *sk, const struct wire_image_key *image,
				    const struct peer *peer, const struct moved *moved)
{
	struct task_struct *task = current_task();
	struct overflow_key key = {};
	struct wire_flow *flow;
	void *map;

	key.image = *image;
	key.cookie = socket_cookie(sk);
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
		flow_fill(&fresh, task, sk, peer);
		flow = overflow_insert(map, &key, &fresh);
	}
	if (flow)
		flow_add(flow, moved);
	else
		lost(WIRE_LOSS_OVERFLOW_FULL, moved->sent + moved->received + moved->sniffed);
}

/* Add to the flow of (image, socket, peer) in the overflow hash, which is made if there is none. What finds
 * no room there either is lost, and counted with its bytes. Two calls, because both need much of the stack.
 */
static __always_inline void overflow_count(struct sock *sk, const struct wire_image_key *image,
					   const struct peer *peer, const struct moved *moved)
{
	image_uses_network(current_task(), image);
	overflow_add(sk, image, peer, moved);
}

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
	flow.uid = flow.creator_uid = state->attempt.uid;
	flow.netns = state->attempt.netns;
	flow.flags = WIRE_FLOW_OVERFLOW;
	__builtin_memcpy(flow.raddr, state->attempt.peer.addr, sizeof(flow.raddr));
	if (!overflow_find(&key, &map) && (!map || !overflow_insert(map, &key, &flow)))
		lost(WIRE_LOSS_OVERFLOW_FULL, 0);
	state->attempt_state = ATTEMPT_NONE;
}

#endif
