/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * atomic.bpf.h - atomic operations beside addition (__sync_fetch_and_add without its result).
 *
 * Linux before 5.12 has no other. There (EARLY) they are plain, and what they guard is guarded otherwise:
 * bytes are never claimed but always added up in a hash, whose insertion is atomic; the state of a socket
 * changes under its lock; a scratch record belongs to one CPU, and programs are not preempted.
 */
#ifndef FEMTOSNITCH_ATOMIC_BPF_H
#define FEMTOSNITCH_ATOMIC_BPF_H

#ifndef EARLY
#define EARLY 0
#endif

#if EARLY
/* The value that was there; the new one is written if that was the expected. */
#define cas(at, expected, value)                                                                             \
	({                                                                                                   \
		typeof(*(at)) _was = *(at);                                                                  \
		if (_was == (expected))                                                                      \
			*(at) = (value);                                                                     \
		_was;                                                                                        \
	})
#define swap(at, value)                                                                                      \
	({                                                                                                   \
		typeof(*(at)) _was = *(at);                                                                  \
		*(at) = (value);                                                                             \
		_was;                                                                                        \
	})
#define set_bits(at, bits) (*(at) |= (bits))
#define clear_bits(at, bits) (*(at) &= ~(bits))
#else
#define cas(at, expected, value) __sync_val_compare_and_swap(at, expected, value)
#define swap(at, value) __sync_lock_test_and_set(at, value)
#define set_bits(at, bits) __sync_fetch_and_or(at, bits)
#define clear_bits(at, bits) __sync_fetch_and_and(at, ~(bits))
#endif

#endif
