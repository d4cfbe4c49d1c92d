// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sock_stable.bpf.c - bytes sent and received, seen through interfaces that do not move: the BTF tracepoints
 * sock_send_length and sock_recv_length (Linux 6.3).
 *
 * Entering a program is most of what it costs, so there is one per direction and call, nothing per packet,
 * and the way of a known flow through each is short.
 */
#include "bpf/socket.bpf.h"
#include "bpf/repeat.bpf.h"

PROGRAM_REPEATED("tp_btf/sock_send_length", on_send, TOKEN_SEND, 0, sent(sk, NULL, ret, NULL),
		 struct sock *sk, int ret, int flags)
PROGRAM_REPEATED("tp_btf/sock_recv_length", on_receive, TOKEN_RECEIVE, 0,
		 received(sk, NULL, ret, flags, NULL), struct sock *sk, int ret, int flags)
