// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kernel_user.bpf.c - datagrams that the kernel itself sends and receives for WireGuard, VXLAN and their kin,
 * past every socket call. Counted are the outer datagrams, without IP and UDP headers, as on any UDP socket.
 *
 * All of them build their UDP header with udp_set_csum() and udp6_set_csum(), which are built in, have both
 * addresses, and are not called for users' sockets. (udp_tunnel_xmit_skb() has too many arguments for a
 * trampoline before Linux 6.6, and again since 6.17.) Receivers are functions of modules: no socket storage,
 * see sock_trampoline.bpf.c.
 */
#include "bpf/kernel_user.bpf.h"
#include "bpf/overflow.bpf.h"
#include "bpf/repeat.bpf.h"

#define UDP_HDR 8
#define ABOUT_TUNNEL 3 /* see token_of() */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct rtnl_link_ops {
	const char *kind;
};

struct net_device___of_tunnel {
	struct rtnl_link_ops *rtnl_link_ops;
	possible_net_t nd_net;
};

struct sk_buff {
	unsigned int len;
	unsigned char *head;
	unsigned char *data;
	__u16 network_header;
	struct net_device___of_tunnel *dev;
};

/* The private parts of two devices: where their outer datagrams go, the device itself may be in another
 * network namespace. */
struct wg_device {
	struct net *creating_net;
};

struct vxlan_dev {
	struct net *net;
};

#pragma clang attribute pop

struct udp_header {
	__be16 source, dest;
};

/* What is sent and received for: the kind of its devices, as "ip link add type" has it. */
struct kind {
	union {
		char text[WIRE_COMM_SIZE]; /* NUL-terminated, the rest zero */
		__u64 words[WIRE_COMM_SIZE / 8];
	};
};

struct addresses {
	__u32 from[4], to[4];
	__u16 family;
};

/* ---- who */

static __always_inline bool is_kind(const struct kind *kind, const char *text)
{
	struct kind other = {};

	__builtin_strcpy(other.text, text);
	return kind->words[0] == other.words[0] && kind->words[1] == other.words[1];
}

static __always_inline void kind_of(const struct net_device___of_tunnel *dev, struct kind *kind)
{
	const char *text = BPF_CORE_READ(dev, rtnl_link_ops, kind);

	if (!text || bpf_probe_read_kernel_str(kind->text, sizeof(kind->text), text) < 2)
		__builtin_strcpy(kind->text, "tunnel");
}

static __noinline void kind_image(const struct kind *kind, struct wire_image_key *key)
{
	struct kernel_record *rec;

	kernel_key(kind->words[0] ^ kind->words[1] * 0xff51afd7ed558ccdull, key);
	rec = kernel_record(key);
	if (!rec)
		return;
	__builtin_memcpy(rec->symbol, kind->text, sizeof(kind->text));
	bpf_ringbuf_submit(rec, wake(true));
}

#define PRIVATE(dev)                                                                                         \
	((void *)(dev) +                                                                                     \
	 ((bpf_core_type_size(struct net_device___of_tunnel) + 31) & ~31u)) /* netdev_priv() */

static __always_inline __u32 tunnel_netns(const struct net_device___of_tunnel *dev, const struct kind *kind)
{
	const struct wg_device *wg = PRIVATE(dev);
	const struct vxlan_dev *vxlan = PRIVATE(dev);
	const struct net *net = BPF_CORE_READ(dev, nd_net.net);

	if (bpf_core_type_exists(struct wg_device) && is_kind(kind, "wireguard"))
		net = BPF_CORE_READ(wg, creating_net);
	else if (bpf_core_type_exists(struct vxlan_dev) && is_kind(kind, "vxlan"))
		net = BPF_CORE_READ(vxlan, net);
	return BPF_CORE_READ(net, ns.inum);
}

/* ---- how much */

static __noinline void datagram_count(const struct wire_flow *fresh, const struct moved *moved)
{
	struct overflow_key key = {};
	struct wire_flow *flow;
	void *map;

	key.image = fresh->image;
	key.cookie = fresh->cookie;
	key.peer.family = fresh->family;
	key.peer.port = fresh->rport;
	__builtin_memcpy(key.peer.addr, fresh->raddr, sizeof(key.peer.addr));
	key.protocol = fresh->protocol;
	key.direction = fresh->direction;
	flow = overflow_find(&key, &map);
	if (!flow && map)
		flow = overflow_insert(map, &key, fresh);
	if (flow)
		flow_add(flow, moved);
	else
		lost(WIRE_LOSS_OVERFLOW_FULL, moved->sent + moved->received);
}

static __always_inline void datagram_moved(const struct kind *kind, const struct addresses *addresses,
					   const struct udp_header *udp, __u32 netns, __u32 len,
					   bool receiving)
{
	struct moved moved = {.direction = receiving ? WIRE_DIRECTION_IN : WIRE_DIRECTION_OUT};
	struct wire_flow flow = {.first_ns = bpf_jiffies64(),
				 .netns = netns,
				 .family = addresses->family,
				 .protocol = IPPROTO_UDP,
				 .peer = WIRE_PEER_MESSAGE,
				 .flags = WIRE_FLOW_OVERFLOW};

	kind_image(kind, &flow.image);
	flow.direction = moved.direction;
	if (receiving)
		moved.received = len - UDP_HDR;
	else
		moved.sent = len - UDP_HDR;
	__builtin_memcpy(flow.laddr, receiving ? addresses->to : addresses->from, sizeof(flow.laddr));
	__builtin_memcpy(flow.raddr, receiving ? addresses->from : addresses->to, sizeof(flow.raddr));
	flow.lport = bpf_ntohs(receiving ? udp->dest : udp->source);
	flow.rport = bpf_ntohs(receiving ? udp->source : udp->dest);
	/* no socket is at hand where they are sent; this is none's cookie, but the same for the same port */
	flow.cookie = (__u64)netns << 32 | flow.lport;
	datagram_count(&flow, &moved);
}

static __always_inline void datagram_sent(struct sk_buff *skb, const struct addresses *addresses, int len)
{
	const struct net_device___of_tunnel *dev = BPF_CORE_READ(skb, dev);
	struct kind kind = {};
	struct udp_header udp = {};

	if (len < UDP_HDR || bpf_probe_read_kernel(&udp, sizeof(udp), BPF_CORE_READ(skb, data)))
		return;
	kind_of(dev, &kind);
	datagram_moved(&kind, addresses, &udp, tunnel_netns(dev, &kind), len, false);
}

static __always_inline void sent4(struct sk_buff *skb, __be32 from, __be32 to, int len)
{
	struct addresses addresses = {.from = {from}, .to = {to}, .family = AF_INET};

	datagram_sent(skb, &addresses, len);
}

static __always_inline void sent6(struct sk_buff *skb, const struct in6_addr *from, const struct in6_addr *to,
				  int len)
{
	struct addresses addresses = {.family = AF_INET6};

	bpf_probe_read_kernel(addresses.from, sizeof(addresses.from), from);
	bpf_probe_read_kernel(addresses.to, sizeof(addresses.to), to);
	datagram_sent(skb, &addresses, len);
}

TRAMPOLINE_REPEATED("fentry/udp_set_csum", on_tunnel_send4, TOKEN_SEND, ABOUT_TUNNEL,
		    sent4(skb, from, to, len), bool nocheck, struct sk_buff *skb, __be32 from, __be32 to,
		    int len)
TRAMPOLINE_REPEATED("fentry/udp6_set_csum", on_tunnel_send6, TOKEN_SEND, ABOUT_TUNNEL,
		    sent6(skb, from, to, len), bool nocheck, struct sk_buff *skb, const struct in6_addr *from,
		    const struct in6_addr *to, int len)

/* Both are called with the UDP header in front. */
static __always_inline void received_by(const char *who, struct sock *sk, struct sk_buff *skb)
{
	const unsigned char *ip = BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, network_header);
	struct addresses addresses = {.family = AF_INET};
	struct kind kind = {};
	struct udp_header udp = {};
	__u8 version = 0;

	if (skb->len < UDP_HDR || bpf_probe_read_kernel(&udp, sizeof(udp), BPF_CORE_READ(skb, data)) ||
	    bpf_probe_read_kernel(&version, sizeof(version), ip))
		return;
	if (version >> 4 == 4) {
		bpf_probe_read_kernel(addresses.from, 4, ip + 12);
		bpf_probe_read_kernel(addresses.to, 4, ip + 16);
	} else {
		addresses.family = AF_INET6;
		bpf_probe_read_kernel(addresses.from, 16, ip + 8);
		bpf_probe_read_kernel(addresses.to, 16, ip + 24);
	}
	__builtin_strcpy(kind.text, who);
	datagram_moved(&kind, &addresses, &udp, sk->__sk_common.skc_net.net->ns.inum, skb->len, true);
}

#define RECEIVER(function, name, who)                                                                        \
	TRAMPOLINE_REPEATED("fentry/" #function, name, TOKEN_RECEIVE, ABOUT_TUNNEL,                          \
			    received_by(who, sk, skb), struct sock *sk, struct sk_buff *skb)

RECEIVER(wg_receive, on_wireguard, "wireguard")
RECEIVER(vxlan_rcv, on_vxlan, "vxlan")
RECEIVER(geneve_udp_encap_recv, on_geneve, "geneve")
