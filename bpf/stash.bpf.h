/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stash.bpf.h - the peer of a datagram, handed from the cgroup hook that sees it to the tracepoint that
 * counts the bytes. Both run in the same call, so (socket, thread) joins them exactly.
 */
#ifndef FEMTOSNITCH_STASH_BPF_H
#define FEMTOSNITCH_STASH_BPF_H

#include "bpf/maps.bpf.h"

#define PEER_NOTIFICATION 0xffff /* as family of a stashed peer: this message is the kernel's (SCTP) */

static __always_inline bool stash_in(struct socket_state *state, __u32 tid, const struct peer *peer,
				     bool receiving)
{
	for (int i = 0; i < STASHES; i++) {
		struct stash *stash = &state->stash[i];
		__u32 holder = *(volatile __u32 *)&stash->tid;

		if (holder == tid || (!holder && cas(&stash->tid, 0, tid) == 0)) {
			stash->peer = *peer;
			stash->receiving = receiving;
			state->stashed = 1;
			return true;
		}
	}
	return false;
}

static __always_inline void stash_put(struct bpf_sock *bsk, const struct peer *peer, bool receiving)
{
	struct socket_state *state = bpf_sk_storage_get(&sockets, bsk, NULL, 0);
	__u32 tid = bpf_get_current_pid_tgid();
	struct stash stash = {};

	/* UDP sockets are never cloned and never listen, so storage may be made before the first byte */
	if (!state) {
		state = bpf_sk_storage_get(&sockets, bsk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
		if (state)
			state->protocol = bsk->protocol;
		else
			state = bpf_sk_storage_get(&sockets, bsk, NULL, 0);
	}
	if (state && stash_in(state, tid, peer, receiving))
		return;
	if (state) {
		set_bits(&state->flags, SOCKET_ASKING);
		state->stashed = 1;
	} else {
		shared.storage_failed = 1;
	}
	stash.tid = tid;
	stash.receiving = receiving;
	stash.peer = *peer;
	if (bpf_map_update_elem(&asking, &tid, &stash, BPF_ANY))
		lost(WIRE_LOSS_PEER, 0);
}

/* What waits for this thread apart from any socket. */
static __always_inline bool asking_take(__u32 tid, struct peer *peer, bool receiving)
{
	struct stash *stash = bpf_map_lookup_elem(&asking, &tid);
	bool fits = stash && stash->receiving == receiving;

	if (fits)
		*peer = stash->peer;
	if (stash)
		bpf_map_delete_elem(&asking, &tid);
	return fits;
}

/* What the hook of this very call saw. Forgotten when it was for the other direction: a call that failed
 * between hook and tracepoint. */
static __always_inline bool stash_take(struct socket_state *state, __u32 tid, struct peer *peer,
				       bool receiving)
{
	if (state) {
		for (int i = 0; i < STASHES; i++) {
			struct stash *stash = &state->stash[i];
			bool fits = stash->receiving == receiving;

			if (stash->tid != tid)
				continue;
			if (fits)
				*peer = stash->peer;
			swap(&stash->tid, 0);
			return fits;
		}
	}
	if (state ? state->flags & SOCKET_ASKING : shared.storage_failed)
		return asking_take(tid, peer, receiving);
	return false;
}

#endif
