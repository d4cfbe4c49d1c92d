/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * caller.bpf.h - addresses read from the memory of the process that makes a system call, for the sockets no
 * cgroup hook speaks of: raw and ping sockets. What stands there could have been changed by a second thread
 * since the kernel read it: WIRE_PEER_CALLER says so.
 *
 * Refused, because the registers would lie: io_uring (they belong to io_uring_enter, or to nobody), 32-bit
 * calls, and sendmmsg/recvmmsg of several messages (each would read as the first).
 */
#ifndef FEMTOSNITCH_CALLER_BPF_H
#define FEMTOSNITCH_CALLER_BPF_H

#include "bpf/account.bpf.h"

#if defined(__TARGET_ARCH_x86) /* arch/x86/entry/syscalls/syscall_64.tbl */
#define CALL_READ 0
#define CALL_SENDTO 44
#define CALL_RECVFROM 45
#define CALL_SENDMSG 46
#define CALL_RECVMSG 47
#define TS_COMPAT 0x2		   /* thread_info.status: a 32-bit system call */
#elif defined(__TARGET_ARCH_arm64) /* include/uapi/asm-generic/unistd.h */
#define CALL_READ 63
#define CALL_SENDTO 206
#define CALL_RECVFROM 207
#define CALL_SENDMSG 211
#define CALL_RECVMSG 212
#else
#error "caller.bpf.h: add the system call numbers and registers of this architecture"
#endif

struct call {
	long number;
	unsigned long arg1, arg4; /* counted from 0 */
};

struct user_iovec {
	__u64 base, len;
};

struct user_msghdr { /* struct msghdr of a 64-bit process, recvmsg(2) */
	__u64 name;
	__u32 name_len, pad;
	__u64 iov;
};

#if EARLY /* bpf_task_pt_regs: Linux 5.15; trampolines read the kernel's message header instead */
static __always_inline bool call_read(struct call *call)
{
	return false;
}
#else
static __always_inline bool call_read(struct call *call)
{
	struct task_struct *task = current_task();
	struct pt_regs *regs;

	if (task->flags & (PF_IO_WORKER | PF_KTHREAD))
		return false;
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
#if defined(__TARGET_ARCH_x86)
	if (task->thread_info.status & TS_COMPAT)
		return false;
	call->number = BPF_CORE_READ(regs, orig_ax);
	call->arg1 = BPF_CORE_READ(regs, si);
	call->arg4 = BPF_CORE_READ(regs, r8);
#else
	call->number = BPF_CORE_READ(regs, syscallno);
	call->arg1 = BPF_CORE_READ(regs, user_regs.regs[1]);
	call->arg4 = BPF_CORE_READ(regs, user_regs.regs[4]);
#endif
	return true;
}
#endif

/* The destination of this send; raw and ping sockets have no port there. False: the call does not show it. */
static __noinline bool caller_destination(struct peer *peer, bool has_port)
{
	struct user_msghdr msg = {};
	struct call call = {};
	struct sockname name = {};
	__u64 at = 0;

	if (!call_read(&call))
		return false;
	if (call.number == CALL_SENDTO)
		at = call.arg4;
	else if (call.number == CALL_SENDMSG && !bpf_probe_read_user(&msg, sizeof(msg), (void *)call.arg1))
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
	struct user_msghdr msg = {};
	struct user_iovec iov = {};
	struct call call = {};
	__u64 at = 0;
	__u32 saddr;

	if (!call_read(&call))
		return false;
	if (call.number == CALL_RECVFROM || call.number == CALL_READ)
		at = call.arg1;
	else if (call.number == CALL_RECVMSG && !bpf_probe_read_user(&msg, sizeof(msg), (void *)call.arg1) &&
		 !bpf_probe_read_user(&iov, sizeof(iov), (void *)msg.iov) && iov.len >= 20)
		at = iov.base;
	if (!at || bpf_probe_read_user(&saddr, sizeof(saddr), (void *)(at + 12)))
		return false;
	peer->addr[0] = saddr;
	peer->family = AF_INET;
	return true;
}

#endif
