/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel_user.bpf.h - who uses the network from inside the kernel: NFS, WireGuard, DRBD... They have no
 * process, only a name. An image stands for it, with a key that no process has (tgid 0), and the record that
 * describes it is like a kernel thread's (WIRE_EXEC_KERNEL), so that rows say "kernel: sunrpc".
 *
 * A socket of the kernel's own (sk_kern_sock) says whose it is by the function that it calls when data comes;
 * its symbol and module go into the record as its arguments, and the collector makes the name of them.
 */
#ifndef FEMTOSNITCH_KERNEL_USER_BPF_H
#define FEMTOSNITCH_KERNEL_USER_BPF_H

#include "bpf/image.bpf.h"

#define SYMBOL_SIZE 64

struct sock___of_kernel {
	void *sk_data_ready;
} __attribute__((preserve_access_index));

struct udp_sock {
	void *encap_rcv;
} __attribute__((preserve_access_index));

struct kernel_record {
	struct wire_hdr hdr;
	struct wire_exec exec;
	char symbol[SYMBOL_SIZE];
};

/* about: what tells this user from others; not 0. */
static __always_inline void kernel_key(__u64 about, struct wire_image_key *key)
{
	key->tgid = 0;
	key->exec_id = 0;
	key->start_ns = about * 0x9E3779B97F4A7C15ull;
}

static __always_inline __u64 *kernel_seen(const struct wire_image_key *key)
{
	__u32 at = (key->start_ns ^ (key->start_ns >> 32)) & (SEEN_MAX - 1);

	return bpf_map_lookup_elem(&seen, &at);
}

/* NULL: it was described, or (counted) there is no room. */
static __always_inline struct kernel_record *kernel_record(const struct wire_image_key *key)
{
	__u64 *known = kernel_seen(key);
	struct kernel_record *rec;

	if (!known || *known == key->start_ns)
		return NULL;
	rec = bpf_ringbuf_reserve(&ring, sizeof(*rec), 0);
	if (!rec) {
		lost(WIRE_LOSS_RING_FULL, 0);
		return NULL;
	}
	*known = key->start_ns;
	__builtin_memset(rec, 0, sizeof(*rec));
	rec->hdr.version = WIRE_VERSION;
	rec->hdr.type = WIRE_EXEC;
	rec->hdr.len = sizeof(rec->exec) + sizeof(rec->symbol);
	rec->exec.image = *key;
	rec->exec.time_ns = bpf_jiffies64();
	rec->exec.flags = WIRE_EXEC_KERNEL;
	rec->exec.source = WIRE_EXEC_NETWORK;
	rec->exec.argv_len = sizeof(rec->symbol);
	return rec;
}

#if EARLY /* bpf_snprintf: Linux 5.13 */
static __always_inline void kernel_socket_image(struct sock *sk, struct wire_image_key *key)
{
	__builtin_memset(key, 0, sizeof(*key));
}
#else
/* Whose socket of the kernel this is; describes it at the first time. */
static __noinline __attribute__((unused)) void kernel_socket_image(struct sock *sk,
								   struct wire_image_key *key)
{
	struct kernel_record *rec;
	__u64 function = 0;

	if (sk->sk_protocol == IPPROTO_UDP)
		function = (__u64)BPF_CORE_READ((struct udp_sock *)sk, encap_rcv);
	if (!function)
		function = (__u64)BPF_CORE_READ((struct sock___of_kernel *)sk, sk_data_ready);
	kernel_key(function, key);
	rec = kernel_record(key);
	if (!rec)
		return;
	BPF_SNPRINTF(rec->symbol, sizeof(rec->symbol), "%ps", function);
	bpf_ringbuf_submit(rec, wake(true));
}
#endif

#endif
