// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sock_module.bpf.c - the ends of functions of modules, which can be watched once the module is loaded (and
 * has BTF: Linux 5.11): vsock, and what of SCTP nothing else shows.
 *
 * No socket storage here: up to Linux 6.1 at least the verifier looks a module's function up among the
 * kernel's own when it is asked whether storage is allowed, finds nothing and takes the machine down with it
 * (bpf_sk_storage_tracing_allowed). Nor the helper that tells a socket's cookie: 6.18 does not take the
 * struct sock of a module's BTF for the kernel's.
 */
#define ON_MODULE_FUNCTIONS
#include "bpf/attempt.bpf.h"
#include "bpf/message.bpf.h"
#include "bpf/socket.bpf.h"
#include "bpf/repeat.bpf.h"

static __always_inline void module_moved(struct socket *sock, int flags, bool receiving, int ret)
{
	struct sock *sk = sock->sk;

	if (sk)
		other_family(sk, ret, flags, receiving);
}

#define MODULE_SENDMSG(function, name)                                                                       \
	TRAMPOLINE_REPEATED("fexit/" #function, name, TOKEN_SEND, 0, module_moved(sock, 0, false, ret),      \
			    struct socket *sock, struct msghdr *msg, __u64 size, int ret)
#define MODULE_RECVMSG(function, name)                                                                       \
	TRAMPOLINE_REPEATED("fexit/" #function, name, TOKEN_RECEIVE, 0,                                      \
			    module_moved(sock, flags, true, ret), struct socket *sock, struct msghdr *msg,   \
			    __u64 size, int flags, int ret)

MODULE_SENDMSG(vsock_connectible_sendmsg, on_vsock_sendmsg) /* stream and seqpacket */
MODULE_RECVMSG(vsock_connectible_recvmsg, on_vsock_recvmsg)
MODULE_SENDMSG(vsock_dgram_sendmsg, on_vsock_dgram_sendmsg)
MODULE_RECVMSG(vsock_dgram_recvmsg, on_vsock_dgram_recvmsg)

/* ---- SCTP */

static __always_inline __u8 connect_result(int ret)
{
	if (ret == 0)
		return WIRE_RESULT_OPEN;
	return ret == -EINPROGRESS || ret == -EINTR ? WIRE_RESULT_NONE : result_of_error(-ret);
}

/* A connect() that fails changes no state of the socket, and no cgroup hook is asked: what it returns is all
 * there is. One that does not wait stays without result. */
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
/* Beside the tracepoints, which run after it in the same call and see neither the message's flags nor its
 * address. Its last argument went away again (Linux 7.0), hence bpf_get_func_ret (5.17) for what it returned.
 */
SEC("fexit/sctp_recvmsg")
int BPF_PROG(on_sctp_receive, struct sock *sk, struct msghdr *msg, __u64 size, int flags)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct stash stash = {.tid = tid, .receiving = 1};
	__u64 ret = 0;

	if (bpf_get_func_ret(ctx, &ret) || (int)ret <= 0 || flags & (MSG_PEEK | MSG_ERRQUEUE))
		return 0;
	if (message_is_notification(msg))
		stash.peer.family = PEER_NOTIFICATION;
	else if (!message_peer(sk, msg, &stash.peer))
		return 0;
	bpf_map_update_elem(&asking, &tid, &stash, BPF_ANY);
	return 0;
}
#endif
