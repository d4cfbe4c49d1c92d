// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sock_trampoline.bpf.c - bytes sent and received on kernels without the tracepoints of sock_stable.bpf.c
 * (before Linux 6.3): the ends of the functions behind every socket's operations. They are called through
 * pointers, so no compiler inlines them away, and their arguments are the same from 5.10 to 7.3.
 *
 * They have the kernel's message header, and with it the peer of each datagram, raw and ping sockets
 * included.
 */
#include "bpf/message.bpf.h"
#include "bpf/socket.bpf.h"
#include "bpf/repeat.bpf.h"

static __always_inline void message_sent(struct socket *sock, const struct msghdr *msg, long ret)
{
	struct sock *sk = sock->sk;
	struct peer named = {};

	if (!sk)
		return;
	if (!is_connection(sk))
		message_peer(sk, msg, &named);
	sent(sk, msg, ret, &named);
}

static __always_inline void message_received(struct socket *sock, const struct msghdr *msg, int flags,
					     long ret)
{
	struct sock *sk = sock->sk;
	struct peer named = {};

	if (!sk)
		return;
	if (sk->sk_protocol == IPPROTO_SCTP && message_is_notification(msg))
		return;
	if (ret > 0 && !is_connection(sk))
		message_peer(sk, msg, &named);
	received(sk, msg, ret, flags, &named);
}

#define SENDMSG(function, name)                                                                              \
	TRAMPOLINE_REPEATED("fexit/" #function, name, TOKEN_SEND, 0, message_sent(sock, msg, ret),           \
			    struct socket *sock, struct msghdr *msg, __u64 size, int ret)
#define RECVMSG(function, name)                                                                              \
	TRAMPOLINE_REPEATED("fexit/" #function, name, TOKEN_RECEIVE, 0,                                      \
			    message_received(sock, msg, flags, ret), struct socket *sock,                    \
			    struct msghdr *msg, __u64 size, int flags, int ret)

SENDMSG(inet_sendmsg, on_inet_sendmsg)
SENDMSG(inet6_sendmsg, on_inet6_sendmsg)
RECVMSG(inet_recvmsg, on_inet_recvmsg)
RECVMSG(inet6_recvmsg, on_inet6_recvmsg)
RECVMSG(sock_common_recvmsg, on_common_recvmsg) /* raw IPv6, SCTP */
SENDMSG(packet_sendmsg, on_packet_sendmsg)
SENDMSG(packet_sendmsg_spkt, on_packet_sendmsg_spkt) /* SOCK_PACKET, which nobody should use any more */
RECVMSG(packet_recvmsg, on_packet_recvmsg)

/* sendfile and splice until Linux 6.4. A protocol without sendpage of its own falls back to sendmsg, which is
 * counted above. */
static __always_inline void page_sent(struct socket *sock, long ret)
{
	struct sock *sk = sock->sk;
	struct peer named = {};

	if (sk && BPF_CORE_READ(sk, __sk_common.skc_prot, sendpage))
		sent(sk, NULL, ret, &named);
}

TRAMPOLINE_REPEATED("fexit/inet_sendpage", on_inet_sendpage, TOKEN_SEND, 0, page_sent(sock, ret),
		    struct socket *sock, void *page, int offset, __u64 size, int flags, long ret)
