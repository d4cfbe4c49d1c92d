/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * call.bpf.h - the system call under way, from the registers of the process that made it: which one it is,
 * and where in that process's memory its bytes and addresses are. What stands there could have been changed
 * by a second thread since the kernel read it.
 *
 * Refused, because the registers would lie: io_uring (they belong to io_uring_enter, to nobody, or to a call
 * that is over).
 */
#ifndef FEMTOSNITCH_CALL_BPF_H
#define FEMTOSNITCH_CALL_BPF_H

#include "bpf/image.bpf.h"

enum call_what {
	CALL_OTHER,    /* sendfile, splice...: not from or to the caller's memory */
	CALL_BUFFER,   /* read, write, recvfrom, sendto */
	CALL_VECTOR,   /* readv, writev */
	CALL_MESSAGE,  /* recvmsg, sendmsg */
	CALL_MESSAGES, /* recvmmsg, sendmmsg */
	CALL_HIDDEN,   /* io_uring */
};

struct call {
	__u32 what; /* enum call_what */
	bool compat;
	__u64 at;    /* the buffer, the vector, the (first) message */
	__u64 count; /* bytes of the buffer, pieces of the vector, messages */
	__u64 name;  /* the socket's address that recvfrom or sendto was given, 0 = none */
};

#define CALL_MESSAGE_SIZE 64 /* of struct mmsghdr; of a 32-bit program half of it */

struct call_message { /* what of struct msghdr is looked at, see recvmsg(2) */
	__u64 name;
	__u64 pieces, count;
};

#define CALL_IO_URING_ENTER 426 /* everywhere: numbers from 424 on are shared */

#if defined(__TARGET_ARCH_x86)	   /* arch/x86/entry/syscalls/syscall_64.tbl, _32.tbl; linux/net.h */
#define TS_COMPAT 0x2		   /* thread_info.status: a 32-bit system call */
#define IN_CALL ((__u64)-38)	   /* ENOSYS stands where the result will be */
#elif defined(__TARGET_ARCH_arm64) /* include/uapi/asm-generic/unistd.h */
#define TIF_32BIT (1ul << 22)
#else
#error "call.bpf.h: add the system call numbers and registers of this architecture"
#endif

#if defined(__TARGET_ARCH_x86)
static __always_inline __u32 call_what(__u32 number)
{
	switch (number) {
	case 0 ... 1:
		return CALL_BUFFER;
	case 44 ... 45:
		return CALL_BUFFER;
	case 19 ... 20:
	case 327 ... 328:
		return CALL_VECTOR;
	case 46 ... 47:
		return CALL_MESSAGE;
	case 299:
	case 307:
		return CALL_MESSAGES;
	case CALL_IO_URING_ENTER:
		return CALL_HIDDEN;
	default:
		return CALL_OTHER;
	}
}

static __always_inline bool call_has_name(__u32 number)
{
	return number == 44 || number == 45;
}

static __always_inline __u32 call_what32(__u32 number)
{
	switch (number) {
	case 3 ... 4:
	case 369:
	case 371:
		return CALL_BUFFER;
	case 145 ... 146:
	case 378 ... 379:
		return CALL_VECTOR;
	case 370:
	case 372:
		return CALL_MESSAGE;
	case 337:
	case 345:
	case 417:
		return CALL_MESSAGES;
	case CALL_IO_URING_ENTER:
		return CALL_HIDDEN;
	default:
		return CALL_OTHER;
	}
}

#define CALL_SOCKETCALL 102

/* All calls of sockets in one: the arguments are in memory. */
static __noinline void call_socketcall(struct call *call, __u32 number, __u64 at)
{
	__u32 args[5] = {};

	if (bpf_probe_read_user(args, sizeof(args), (void *)at))
		return;
	switch (number) {
	case 9 ... 12: /* send, recv, sendto, recvfrom */
		call->what = CALL_BUFFER;
		call->name = number >= 11 ? args[4] : 0;
		break;
	case 16 ... 17:
		call->what = CALL_MESSAGE;
		break;
	case 19 ... 20:
		call->what = CALL_MESSAGES;
		break;
	}
	call->at = args[1];
	call->count = args[2];
}

static __always_inline void call_registers(struct call *call, const struct task_struct *task,
					   const struct pt_regs *regs)
{
	__u32 number = regs->orig_ax;

	if (regs->ax != IN_CALL) { /* io_uring's work is done between calls, too */
		call->what = CALL_HIDDEN;
	} else if (!(task->thread_info.status & TS_COMPAT)) {
		call->what = call_what(number);
		call->at = regs->si;
		call->count = regs->dx;
		call->name = call_has_name(number) ? regs->r8 : 0;
	} else if (number == CALL_SOCKETCALL) {
		call->compat = true;
		call_socketcall(call, regs->bx, (__u32)regs->cx);
	} else {
		call->compat = true;
		call->what = call_what32(number);
		call->at = (__u32)regs->cx;
		call->count = (__u32)regs->dx;
		call->name = number == 369 || number == 371 ? (__u32)regs->di : 0;
	}
}
#else
static __always_inline __u32 call_what(__u32 number)
{
	switch (number) {
	case 63 ... 64:
	case 206 ... 207:
		return CALL_BUFFER;
	case 65 ... 66:
	case 286 ... 287:
		return CALL_VECTOR;
	case 211 ... 212:
		return CALL_MESSAGE;
	case 243:
	case 269:
		return CALL_MESSAGES;
	case CALL_IO_URING_ENTER:
		return CALL_HIDDEN;
	default:
		return CALL_OTHER;
	}
}

/* 32-bit programs are not looked into here. */
static __always_inline void call_registers(struct call *call, const struct task_struct *task,
					   const struct pt_regs *regs)
{
	__u32 number = regs->syscallno;

	if (task->thread_info.flags & TIF_32BIT || regs->user_regs.regs[0] != regs->orig_x0) {
		call->what = CALL_HIDDEN; /* the result of a call that is over stands in its first register */
		return;
	}
	call->what = call_what(number);
	call->at = regs->user_regs.regs[1];
	call->count = regs->user_regs.regs[2];
	call->name = number == 206 || number == 207 ? regs->user_regs.regs[4] : 0;
}
#endif

#if EARLY /* bpf_task_pt_regs: Linux 5.15; trampolines read the kernel's message header instead */
static __always_inline void call_read(struct call *call)
{
	call->what = CALL_HIDDEN;
}
#else
static __always_inline void call_read(struct call *call)
{
	struct task_struct *task = current_task();

	if (task->flags & (PF_IO_WORKER | PF_KTHREAD))
		call->what = CALL_HIDDEN;
	else
		call_registers(call, task, (struct pt_regs *)bpf_task_pt_regs(task));
}
#endif

/* The (first) message of the call. False: it cannot be read. */
static __always_inline bool call_message(const struct call *call, struct call_message *msg)
{
	struct {
		__u64 name;
		__u32 name_len, pad;
		__u64 pieces, count;
	} native;
	struct {
		__u32 name, name_len, pieces, count;
	} compat;

	if (call->compat) {
		if (bpf_probe_read_user(&compat, sizeof(compat), (void *)call->at))
			return false;
		msg->name = compat.name;
		msg->pieces = compat.pieces;
		msg->count = compat.count;
		return true;
	}
	if (bpf_probe_read_user(&native, sizeof(native), (void *)call->at))
		return false;
	msg->name = native.name;
	msg->pieces = native.pieces;
	msg->count = native.count;
	return true;
}

#endif
