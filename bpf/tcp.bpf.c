// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcp.bpf.c - bytes received by plain TCP, on every kernel (tcp_rcv_space_adjust: Linux 4.15).
 */
#include "bpf/connection.bpf.h"

SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(on_tcp_copied, struct sock *sk)
{
	tcp_copied(sk);
	return 0;
}

/* Attached where the kernel may skip the first (bpf/repeat.bpf.h). It needs no token: another look at the
 * same number finds nothing. */
SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(on_tcp_copied_again, struct sock *sk)
{
	tcp_copied(sk);
	return 0;
}
