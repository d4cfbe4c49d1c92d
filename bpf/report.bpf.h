/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.bpf.h - a slot's difference since it was last reported becomes a wire_flow. Used by the iterator, by
 * release and by sockets that begin to listen; whoever takes a difference first, reports it.
 */
#ifndef FEMTOSNITCH_REPORT_BPF_H
#define FEMTOSNITCH_REPORT_BPF_H

#include "bpf/account.bpf.h"

/* Move *reported up to *counter; the difference belongs to whoever succeeds. A few tries: the counter may
 * grow meanwhile, and what is not taken now is taken next time. */
static __always_inline __u64 take(volatile __u64 *counter, __u64 *reported)
{
	for (int i = 0; i < 4; i++) {
		__u64 was = *(volatile __u64 *)reported, now = *counter;

		if (now <= was)
			return 0;
		if (cas(reported, was, now) == was)
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
static __always_inline void slot_take(struct slot *slot, const struct socket_state *state,
				      struct wire_flow *flow)
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
	flow->creator_uid = slot->creator_uid;
	flow->creator_cgroup = slot->creator_cgroup;
	flow->direction = slot->direction;
	flow->peer = slot->peer_known;
	flow->result = slot->result;
	flow->flags = slot->seeded ? WIRE_FLOW_SEEDED : 0;
	slot->result_reported = slot->result;
	slot->announced = 1;
	/* before the bytes: a byte counted from here on begins a new window, even if it is taken below */
	flow->first_ns = swap(&slot->first_ns, 0);
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
		struct moved moved = {.sent = flow.sent_bytes, .received = flow.received_bytes};

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

#endif
