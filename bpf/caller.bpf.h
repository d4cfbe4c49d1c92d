/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * caller.bpf.h - addresses read from the memory of the process that makes a system call, for the sockets no
 * cgroup hook speaks of: raw and ping sockets. What stands there could have been changed by a second thread
 * since the kernel read it: WIRE_PEER_CALLER says so. Of sendmmsg/recvmmsg of several messages each would
 * read as the first: they are refused.
 */
#ifndef FEMTOSNITCH_CALLER_BPF_H
#define FEMTOSNITCH_CALLER_BPF_H

#include "bpf/account.bpf.h"
#include "bpf/bytes.bpf.h"

/* The destination of this send; raw and ping sockets have no port there. False: the call does not show it. */
static __noinline bool caller_destination(struct peer *peer, bool has_port)
{
	struct call_message msg = {};
	struct call call = {};
	struct sockname name = {};
	__u64 at = 0;

	call_read(&call);
	if (call.what == CALL_BUFFER)
		at = call.name;
	else if (call.what == CALL_MESSAGE && call_message(&call, &msg))
		at = msg.name;
	if (!at || bpf_probe_read_user(&name, SOCKNAME_IN, (void *)at))
		return false;
	if (name.family == AF_INET6 && bpf_probe_read_user(&name, sizeof(name), (void *)at))
		return false;
	return peer_of_name(&name, has_port, peer);
}

/* Where a raw IPv4 packet came from: its own header is in the buffer that was just filled (raw(7)). */
static __noinline bool caller_ipv4_source(struct peer *peer)
{
	struct bytes bytes = {};
	__u32 saddr;

	if (!bytes_of_call(&bytes, MESSAGE_UNKNOWN) || bytes.len < 20 ||
	    bpf_probe_read_user(&saddr, sizeof(saddr), (void *)(bytes.at + 12)))
		return false;
	peer->addr[0] = saddr;
	peer->family = AF_INET;
	return true;
}

#endif
