/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state.bpf.h - finding, making and forgetting the state of a socket: in its own storage, or (EARLY) in a
 * hash by its address, from which it is removed when the socket goes.
 */
#ifndef FEMTOSNITCH_STATE_BPF_H
#define FEMTOSNITCH_STATE_BPF_H

#include "bpf/peer.bpf.h"

#if EARLY
static __noinline struct socket_state *socket_find(struct sock *sk)
{
	__u64 key = (__u64)sk;

	return bpf_map_lookup_elem(&sockets, &key);
}

static __noinline struct socket_state *socket_make(struct sock *sk)
{
	static const struct socket_state fresh;
	__u64 key = (__u64)sk, cpu = bpf_get_smp_processor_id();
	struct socket_state *state;

	bpf_map_update_elem(&sockets, &key, &fresh, BPF_NOEXIST);
	state = bpf_map_lookup_elem(&sockets, &key);
	if (state && !state->cookie) /* programs may ask for the kernel's own since Linux 5.12 */
		state->cookie = bpf_ktime_get_ns() | cpu << 56;
	return state;
}

static __noinline __attribute__((unused)) void socket_forget(struct sock *sk)
{
	__u64 key = (__u64)sk;

	bpf_map_delete_elem(&sockets, &key);
}

static __always_inline __u64 socket_cookie(struct sock *sk)
{
	struct socket_state *state = socket_find(sk);

	/* where there is no room for another state, its flow is still told from others' */
	return state ? state->cookie
		     : (__u64)sk->__sk_common.skc_net.net->ns.inum << 16 | sk->__sk_common.skc_num;
}
#else
static __always_inline struct socket_state *socket_find(struct sock *sk)
{
	return bpf_sk_storage_get(&sockets, sk, NULL, 0);
}

/* Two CPUs that make it at once: the second gets NULL (-EEXIST inside), hence the second look. */
static __always_inline struct socket_state *socket_make(struct sock *sk)
{
	struct socket_state *state = bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);

	return state ? state : socket_find(sk);
}

static __always_inline __attribute__((unused)) void socket_forget(struct sock *sk)
{
	bpf_sk_storage_delete(&sockets, sk);
}

static __always_inline __u64 socket_cookie(struct sock *sk)
{
#ifdef ON_MODULE_FUNCTIONS
	return BPF_CORE_READ(sk, __sk_common.skc_cookie.counter); /* 0 while nobody asked for it */
#else
	return bpf_get_socket_cookie(sk);
#endif
}
#endif

/* The state of a socket, made if there is none. NULL: it cannot be made (use the overflow hash), or the
 * socket listens. */
static __always_inline struct socket_state *socket_get(struct sock *sk)
{
	struct socket_state *state = socket_find(sk);

	if (state)
		return state;
	if (sk->__sk_common.skc_state == TCP_LISTEN && is_connection(sk))
		return NULL;
	state = socket_make(sk);
	if (!state) {
		shared.storage_failed = 1;
		return NULL;
	}
	state->protocol = sk->sk_protocol;
	return state;
}

#endif
