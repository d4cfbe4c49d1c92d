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

#include "bpf/kernel_user.bpf.h"
#include "bpf/overflow.bpf.h"
#include "bpf/state.bpf.h"

/* Who moves the bytes. A socket of the kernel's own is the kernel's even when it works in a user's context.
 */
static __always_inline void mover(struct sock *sk, const struct socket_state *state,
				  const struct task_struct *task, struct wire_image_key *key)
{
	if (state && state->flags & SOCKET_KERNEL && state->slot[0].state == SLOT_OWNED)
		*key = state->slot[0].image;
	else if (!state && BPF_CORE_READ_BITFIELD(sk, sk_kern_sock))
		kernel_socket_image(sk, key);
	else if (EARLY && TASK(task, flags) & PF_KTHREAD && BPF_CORE_READ(task, mm, owner))
		image_key_read(BPF_CORE_READ(task, mm, owner), key); /* io_uring's workers until Linux 5.11 */
	else
		image_key(task, key);
}

/* ---- slots */

static __noinline void slot_fill(struct slot *slot, const struct task_struct *task, struct sock *sk,
				 const struct peer *peer, const struct moved *moved)
{
	slot->peer = *peer;
	slot->netns = sk->__sk_common.skc_net.net->ns.inum;
	slot->uid = task_uid(task);
	slot->direction = moved->direction;
	slot->peer_known = moved->peer_known;
	slot->result = moved->result;
	local_end(sk, peer->family, slot->laddr, &slot->lport);
	creator_of(sk, &slot->creator_uid, &slot->creator_cgroup);
}

/* Take a free slot, or an accepted connection that waits for its owner. The state goes through BUSY, so that
 * no other CPU reads a half-written owner; whoever meets BUSY uses the overflow hash. */
static __always_inline bool slot_claim(struct slot *slot, const struct task_struct *task, struct sock *sk,
				       struct socket_state *state, const struct wire_image_key *image,
				       const struct peer *peer, const struct moved *moved)
{
	__u32 was = *(volatile __u32 *)&slot->state;

	if (was == SLOT_ACCEPTED && slot->connection != state->connection)
		return false;
	if (was != SLOT_FREE && was != SLOT_ACCEPTED)
		return false;
	if (cas(&slot->state, was, SLOT_BUSY) != was)
		return false;
	if (!state->cookie)
		state->cookie = socket_cookie(sk);
	slot->image = *image;
	slot->connection = state->connection;
	if (was == SLOT_FREE)
		slot_fill(slot, task, sk, peer, moved);
	else
		slot->uid = task_uid(task);
	if (state->flags & SOCKET_SEEDED)
		slot->seeded = 1;
	/* a full barrier: owner and peer are written before the state says so */
	cas(&slot->state, SLOT_BUSY, SLOT_OWNED);
	return true;
}

/* A slot is read by the iterator, and at the end of its socket; who has no hook for that end counts bytes in
 * the overflow hash: early kernels, and the kernel's own sockets (inet_release asks for sk_kern_sock). */
static __always_inline bool bytes_overflow(const struct socket_state *state)
{
	return EARLY || state->flags & SOCKET_KERNEL;
}

static __always_inline void slot_add(struct slot *slot, const struct socket_state *state,
				     const struct moved *moved)
{
	__u64 now = bpf_jiffies64();

	slot->last_ns = now;
	if (!slot->first_ns)
		slot->first_ns = now;
	if (bytes_overflow(state)) { /* owner and result only; the overflow hash has the bytes */
		if ((moved->sent || moved->received) && moved->result == slot->result) {
			slot->announced = 1; /* what is told with the bytes is not told twice */
			slot->result_reported = slot->result;
		}
		return;
	}
	if (moved->sent)
		__sync_fetch_and_add(&slot->sent, moved->sent);
	if (moved->received)
		__sync_fetch_and_add(&slot->received, moved->received);
}

static __always_inline bool slot_is(const struct slot *slot, const struct socket_state *state,
				    const struct wire_image_key *image, const struct peer *peer,
				    bool connection)
{
	if (*(volatile const __u32 *)&slot->state != SLOT_OWNED || !image_same(&slot->image, image))
		return false;
	return connection ? slot->connection == state->connection : peer_same(&slot->peer, peer);
}

static __noinline bool slot_new(struct sock *sk, struct socket_state *state,
				const struct wire_image_key *image, const struct peer *peer,
				const struct moved *moved)
{
	struct task_struct *task = current_task();

	image_uses_network(task, image); /* in the ring before the iterator can show the slot */
	for (int i = 0; i < SLOTS; i++) {
		struct slot *slot = &state->slot[i];

		if (slot_claim(slot, task, sk, state, image, peer, moved)) {
			slot_add(slot, state, moved);
			return true;
		}
	}
	return false;
}

static __always_inline struct slot *slot_find(struct socket_state *state, const struct wire_image_key *image,
					      const struct peer *peer, bool connection)
{
	for (int i = 0; i < SLOTS; i++)
		if (slot_is(&state->slot[i], state, image, peer, connection))
			return &state->slot[i];
	return NULL;
}

/* Add what a call moved to the flow of (image, peer) on this socket. For connections the peer is asked for
 * only when a slot is made: slots tell connections apart by their number. */
static __always_inline void count(struct sock *sk, struct socket_state *state, struct wire_image_key *image,
				  struct peer *peer, struct moved *moved, bool connection)
{
	struct slot *slot = slot_find(state, image, peer, connection);
	bool in_slot = slot;

	if (slot)
		slot_add(slot, state, moved);
	if (slot && !bytes_overflow(state))
		return;
	if (slot)
		moved->direction = slot->direction;
	if (BPF_CORE_READ_BITFIELD(sk, sk_kern_sock)) {
		set_bits(&state->flags, SOCKET_KERNEL); /* mover() knows from the next call on */
		kernel_socket_image(sk, image);
	}
	if (connection)
		peer_of_socket(sk, peer);
	if (connection && !peer_known(peer))
		moved->peer_known = WIRE_PEER_UNKNOWN;
	if (!slot && !shared.no_release)
		in_slot = slot_new(sk, state, image, peer, moved);
	if (in_slot && (!bytes_overflow(state) || !(moved->sent || moved->received)))
		return;
	overflow_count(sk, image, peer, moved);
	if (moved->sent) /* clang makes an atomic or of adding 0, which EARLY kernels refuse */
		__sync_fetch_and_add(&state->overflow_sent, moved->sent);
}

#endif
