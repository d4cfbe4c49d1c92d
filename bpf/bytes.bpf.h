/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bytes.bpf.h - the bytes that a call on a socket moved, in the memory of the process that made it: where
 * they are, piece by piece. Found by the system call's arguments, or by the kernel's message header where a
 * trampoline has it.
 */
#ifndef FEMTOSNITCH_BYTES_BPF_H
#define FEMTOSNITCH_BYTES_BPF_H

#include "bpf/call.bpf.h"

#define REWIND_MAX 8 /* pieces that a call may have filled */

enum vector {
	VECTOR_USER,   /* struct iovec in the caller's memory */
	VECTOR_COMPAT, /* of a 32-bit program */
	VECTOR_KERNEL, /* a copy in the kernel's */
};

struct bytes {
	__u64 at, len;	    /* of the piece under way */
	__u64 next, pieces; /* its struct iovec, and how many there are */
	__u32 vector;	    /* enum vector */
	__u32 pad;
};

struct piece {
	__u64 at, len; /* struct iovec */
};

/* The next piece becomes the one under way. False: there is none, or it cannot be read. */
static __always_inline bool bytes_next(struct bytes *bytes)
{
	struct piece piece = {};
	__u32 compat[2] = {};
	long err;

	if (!bytes->pieces)
		return false;
	if (bytes->vector == VECTOR_KERNEL)
		err = bpf_probe_read_kernel(&piece, sizeof(piece), (void *)bytes->next);
	else if (bytes->vector == VECTOR_USER)
		err = bpf_probe_read_user(&piece, sizeof(piece), (void *)bytes->next);
	else
		err = bpf_probe_read_user(compat, sizeof(compat), (void *)bytes->next);
	if (err)
		return false;
	bytes->next += bytes->vector == VECTOR_COMPAT ? sizeof(compat) : sizeof(piece);
	bytes->pieces--;
	bytes->at = bytes->vector == VECTOR_COMPAT ? compat[0] : piece.at;
	bytes->len = bytes->vector == VECTOR_COMPAT ? compat[1] : piece.len;
	return true;
}

#define MESSAGE_UNKNOWN (-1)

/* which: of the messages of a call that may have several, as the registers do not show it. */
static __always_inline bool bytes_of_this_call(struct bytes *bytes, struct call *call, int which)
{
	struct call_message msg = {};

	bytes->vector = call->compat ? VECTOR_COMPAT : VECTOR_USER;
	switch (call->what) {
	case CALL_BUFFER:
		bytes->at = call->at;
		bytes->len = call->count;
		return true;
	case CALL_VECTOR:
		bytes->next = call->at;
		bytes->pieces = call->count;
		return bytes_next(bytes);
	case CALL_MESSAGES:
		if (call->count == 1)
			which = 0;
		if (which < 0 || (__u32)which >= call->count)
			return false;
		call->at += which * (call->compat ? CALL_MESSAGE_SIZE / 2 : CALL_MESSAGE_SIZE);
		break;
	case CALL_MESSAGE:
		break;
	default:
		return false;
	}
	if (!call_message(call, &msg))
		return false;
	bytes->next = msg.pieces;
	bytes->pieces = msg.count;
	return bytes_next(bytes);
}

static __noinline __attribute__((unused)) bool bytes_of_call(struct bytes *bytes, int which)
{
	struct call call = {};

	call_read(&call);
	return bytes_of_this_call(bytes, &call, which);
}

static __always_inline bool iter_is(const struct iov_iter *iter, bool buffer)
{
	const struct iov_iter___until_5_13 *old = (const void *)iter;

	if (bpf_core_field_exists(old->type)) /* its lowest bit is the direction */
		return !buffer && (BPF_CORE_READ(old, type) & ~1u) == ITER_IOVEC_UNTIL_5_13;
	if (buffer && !bpf_core_enum_value_exists(enum iter_type, ITER_UBUF))
		return false;
	return BPF_CORE_READ(iter, iter_type) == (buffer ? bpf_core_enum_value(enum iter_type, ITER_UBUF)
							 : bpf_core_enum_value(enum iter_type, ITER_IOVEC));
}

static __always_inline __u64 iter_vector(const struct iov_iter *iter)
{
	const struct iov_iter___until_6_3 *old = (const void *)iter;

	return (__u64)(bpf_core_field_exists(old->iov) ? BPF_CORE_READ(old, iov)
						       : BPF_CORE_READ(iter, __iov));
}

/* The kernel's message header after a call that moved this many bytes: go back over them, as
 * iov_iter_revert() does. */
static __noinline __attribute__((unused)) bool bytes_of_message(struct bytes *bytes, const struct msghdr *msg,
								__u64 moved)
{
	const struct iov_iter *iter = &msg->msg_iter;
	__u64 into = BPF_CORE_READ(iter, iov_offset);
	struct piece piece = {};

	if (iter_is(iter, true)) {
		bytes->at = (__u64)BPF_CORE_READ(iter, ubuf) + into - moved;
		bytes->len = moved;
		return into >= moved;
	}
	if (!iter_is(iter, false))
		return false;
	bytes->vector = VECTOR_KERNEL;
	bytes->next = iter_vector(iter);
	bytes->pieces = BPF_CORE_READ(iter, nr_segs);
	for (int i = 0; i < REWIND_MAX && into < moved; i++) {
		moved -= into;
		bytes->next -= sizeof(piece);
		bytes->pieces++;
		if (bpf_probe_read_kernel(&piece, sizeof(piece), (void *)bytes->next))
			return false;
		into = piece.len;
	}
	if (into < moved || !bytes_next(bytes))
		return false;
	bytes->at += into - moved;
	bytes->len -= into - moved;
	return true;
}

#endif
