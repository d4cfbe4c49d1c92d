// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sctp.bpf.c - what of SCTP only trampolines show: a connect() that came to nothing, and which received
 * messages are the kernel's own words.
 */
#include "bpf/attempt.bpf.h"
#include "bpf/datagram.bpf.h"
#include "bpf/message.bpf.h"

static __always_inline __u8 connect_result(int ret)
{
	if (ret == 0)
		return WIRE_RESULT_OPEN;
	return ret == -EINPROGRESS || ret == -EINTR ? WIRE_RESULT_NONE : result_of_error(-ret);
}

/* A connect() that fails changes no state of the socket, and no cgroup hook is asked: what it returns is all
 * there is. One that does not wait stays without result. The function is a module's: no socket storage here
 * (see sock_trampoline.bpf.c). */
SEC("fexit/sctp_inet_connect")
int BPF_PROG(on_sctp_connect, struct socket *sock, const void *address, int len, int flags, int ret)
{
	struct moved moved = {.direction = WIRE_DIRECTION_OUT,
			      .peer_known = WIRE_PEER_MESSAGE,
			      .result = connect_result(ret)};
	struct sock *sk = sock->sk;
	struct wire_image_key image;
	struct sockname name = {};
	struct peer peer = {};

	if (!sk || sk->sk_type != SOCK_STREAM || ret == -EALREADY || ret == -EISCONN || ret == -EINVAL ||
	    len < SOCKNAME_IN || bpf_probe_read_kernel(&name, sizeof(name), address) ||
	    !peer_of_name(&name, true, &peer))
		return 0;
	mover(sk, NULL, current_task(), &image);
	overflow_count(sk, &image, &peer, &moved);
	return 0;
}

#if !EARLY
/* Beside the tracepoints, which run right after it in the same call and see neither the message's flags nor
 * its address. */
SEC("fexit/sock_common_recvmsg")
int BPF_PROG(on_sctp_receive, struct socket *sock, struct msghdr *msg, __u64 size, int flags, int ret)
{
	struct sock *sk = sock->sk;
	struct socket_state *state;
	struct peer peer = {};

	if (!sk || ret <= 0 || sk->sk_protocol != IPPROTO_SCTP || flags & (MSG_PEEK | MSG_ERRQUEUE))
		return 0;
	if (message_is_notification(msg))
		peer.family = PEER_NOTIFICATION;
	else if (is_connection(sk) || !message_peer(sk, msg, &peer))
		return 0;
	state = socket_get(sk);
	if (state)
		stash_in(state, current_task()->pid, &peer, true);
	return 0;
}
#endif
