// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * answer.bpf.c - answers of name servers as they come in, for "Log ignore", which may believe no program:
 * what one has received is read from its memory (name.bpf.h), where another thread of it may have written
 * something else by then. A packet is the kernel's, and nobody can write to it. Whose socket takes it does
 * not matter either: the answer is told without an image (WIRE_PAYLOAD_PACKET).
 *
 * This runs for every packet that a socket receives, which costs a datagram some 2 % (tests/bench/cpu.sh): it
 * is attached only where "Log ignore" names a domain (collector/answer.h).
 */
#include "bpf/name.bpf.h"

#define IPV4_PLAIN 0x45 /* version 4, a header without options; a name server sends none */
#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define UDP_HEADER 8

/* The payload of a packet. */
struct answer {
	__u8 from[WIRE_ADDR_SIZE];
	__u16 family;
	__u16 protocol;
	__u32 at; /* in the packet, which begins with its IP header (Linux 4.10) */
};

/* RFC 791 and 8200. The headers are in one piece: UDP and TCP pull them there before they look for the
 * socket. False: it is of no name server. */
static __always_inline bool answer_find(struct __sk_buff *skb, struct answer *answer)
{
	const __u8 *ip = (const void *)(__u64)skb->data, *end = (const void *)(__u64)skb->data_end;
	const __u16 *ports;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		ports = (const void *)(ip + IPV4_HEADER);
		if ((const __u8 *)(ports + 1) > end || ports[0] != bpf_htons(PORT_DNS) || ip[0] != IPV4_PLAIN)
			return false;
		answer->family = AF_INET;
		answer->protocol = ip[9];
		answer->at = IPV4_HEADER;
		__builtin_memcpy(answer->from, ip + 12, 4);
	} else {
		ports = (const void *)(ip + IPV6_HEADER);
		if ((const __u8 *)(ports + 1) > end || ports[0] != bpf_htons(PORT_DNS))
			return false;
		answer->family = AF_INET6;
		answer->protocol = ip[6];
		answer->at = IPV6_HEADER;
		__builtin_memcpy(answer->from, ip + 8, 16);
	}
	return answer->protocol == IPPROTO_UDP || answer->protocol == IPPROTO_TCP;
}

/* Past the header of UDP, or of TCP (RFC 9293, 3.1). */
static __always_inline bool answer_begin(struct __sk_buff *skb, struct answer *answer)
{
	__u8 offset = 0;

	if (answer->protocol == IPPROTO_UDP) {
		answer->at += UDP_HEADER;
		return true;
	}
	if (bpf_skb_load_bytes(skb, answer->at + 12, &offset, sizeof(offset)))
		return false;
	answer->at += (offset >> 4) * 4;
	return true;
}

/* struct bpf_sock tells all of a socket but its network namespace. The verifier lets nobody look past such a
 * pointer; put into a map and taken out again, it is a number, which may be followed like any other. */
static __always_inline __u32 netns_of(struct bpf_sock *bsk, __u64 *place)
{
	const struct sock *sk;

	*(volatile __u64 *)place = (__u64)bsk;
	sk = (const struct sock *)*(volatile __u64 *)place;
	*place = 0;
	return BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

static __always_inline void answer_fill(struct wire_payload *to, const struct answer *answer,
					struct bpf_sock *sk)
{
	__builtin_memset(to, 0, sizeof(*to));
	to->time_ns = bpf_jiffies64();
	to->netns = netns_of(sk, &to->cookie);
	to->flags = WIRE_PAYLOAD_RECEIVED | WIRE_PAYLOAD_PACKET;
	__builtin_memcpy(to->raddr, answer->from, sizeof(to->raddr));
	to->rport = PORT_DNS;
	to->family = answer->family;
	to->protocol = answer->protocol;
}

static __always_inline void answer_send(struct __sk_buff *skb, const struct answer *answer)
{
	struct bpf_sock *sk = skb->sk;
	__u32 len = skb->len - answer->at, last;
	struct exec_scratch *scratch;
	struct payload_record *rec;

	if (!sk || skb->len <= answer->at || len > PIECE)
		return;
	scratch = scratch_take();
	if (!scratch) {
		lost(WIRE_LOSS_NAME, 0);
		return;
	}
	rec = scratch_record(scratch);
	answer_fill(&rec->payload, answer, sk);
	last = len - 1; /* a way to say "1 to PIECE" that the verifiers of all kernels understand */
	barrier_var(last);
	len = (last & (PIECE - 1)) + 1;
	if (bpf_skb_load_bytes(skb, answer->at, rec->data, len) == 0) {
		rec->hdr.version = WIRE_VERSION;
		rec->hdr.type = WIRE_PAYLOAD;
		rec->hdr.len = sizeof(rec->payload) + len;
		rec->payload.data_len = len;
		if (bpf_ringbuf_output(&ring, rec, sizeof(rec->hdr) + sizeof(rec->payload) + len,
				       wake(false)))
			lost(WIRE_LOSS_NAME, 0);
	}
	scratch_give(scratch);
}

SEC("cgroup_skb/ingress")
int on_answer(struct __sk_buff *skb)
{
	struct answer answer = {};

	if (shared.read_names && answer_find(skb, &answer) && answer_begin(skb, &answer))
		answer_send(skb, &answer);
	return 1; /* always let it pass */
}
