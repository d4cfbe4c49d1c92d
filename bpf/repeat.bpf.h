/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * repeat.bpf.h - another chance for programs that the kernel skips. It refuses to enter a program on a CPU
 * where the same program was preempted (bpf_prog.active), and until the first task runs again all others on
 * that CPU go unseen: measured on 7.3, 1 to 3 % of the sends of four busy threads. Tracepoints switch
 * preemption off until Linux 6.18; on later ones, and where trampolines count on a kernel that preempts, each
 * of these programs is attached again, and the repeat counts what the first was not run for. Switching
 * preemption off in the program does not help: switching it on again lets the scheduler in before the program
 * has ended.
 *
 * A program at a tracepoint has two repeats: with one, 57 of 300,000 sends of eight busy threads on two
 * emulated processors were still missed, with tasks preempted in either. One that uses a trampoline has one:
 * those count only where tracepoints cannot, or what is no hot path.
 *
 * The first leaves a token of what it saw, the second of three marks it, the last takes it away: who does not
 * find what the one before should have left counts itself. A first that finds no place for its token leaves
 * the counting to the others. So each call is counted once, unless all were skipped in it: of the runs of the
 * first that the kernel skipped, as many were caught as the others counted, but for those that the first
 * yielded to them. What is left is lost (probe_skipped_runs).
 */
#ifndef FEMTOSNITCH_REPEAT_BPF_H
#define FEMTOSNITCH_REPEAT_BPF_H

#include "bpf/maps.bpf.h"

/* HOOK, and which of its objects */
enum token_hook {
	TOKEN_SEND,
	TOKEN_RECEIVE,
	TOKEN_STATE,
	TOKEN_EXEC,
	TOKEN_FORK,
	TOKEN_EXIT,
};

#define PROGRAM_IF(counts, section, name, hook, about, call, args...)                                        \
	SEC(section)                                                                                         \
	int BPF_PROG(name, args)                                                                             \
	{                                                                                                    \
		if (counts(hook, about))                                                                     \
			call;                                                                                \
		return 0;                                                                                    \
	}

#if EARLY /* 5.10 to 5.16 skip nothing */

#define counts_first(hook, about) true
#define PROGRAM_REPEATED(section, name, hook, about, call, args...)                                          \
	PROGRAM_IF(counts_first, section, name, hook, about, call, args)
#define TRAMPOLINE_REPEATED PROGRAM_REPEATED
#else

#define TOKENS_MAX 1024 /* a power of two */
#define TOKEN_PLACES 4
/* Of 256 jiffies each, at least a minute: the last was skipped, the thread is gone */
#define TOKEN_STALE 240
#define TOKEN_MARK (1ull << 31) /* the second has been here */
#define TOKEN_MASK (0xffffffffffffull & ~TOKEN_MARK)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TOKENS_MAX);
	__type(key, __u32);
	__type(value, __u64); /* 0 = free, else its time << 48 | what it is of */
} tokens SEC(".maps") __weak;

/* Thread (at most 2^22 of them), hook, and which of its objects: an interrupt may run another hook, or this
 * one for another socket, between a program and its repeats. */
static __always_inline __u64 token_of(enum token_hook hook, __u16 about)
{
	__u64 tid = (__u32)bpf_get_current_pid_tgid();

	return tid | (__u64)hook << 22 | (__u64)about << 32;
}

static __always_inline __u64 *token_place(__u64 token, __u32 i)
{
	__u32 at = (((__u32)(token & TOKEN_MASK) * 0x9E3779B1u >> 16) + i) & (TOKENS_MAX - 1);

	return bpf_map_lookup_elem(&tokens, &at);
}

/* In its place, or in one that is free or forgotten. False: there is none. */
static __always_inline bool token_leave(__u64 token)
{
	__u16 now = bpf_jiffies64() >> 8;

	for (__u32 i = 0; i < TOKEN_PLACES; i++) {
		__u64 *place = token_place(token, i), was;

		if (!place)
			return false;
		was = *(volatile __u64 *)place;
		if ((!was || !((was ^ token) & TOKEN_MASK) ||
		     (__u16)(now - (__u16)(was >> 48)) > TOKEN_STALE) &&
		    cas(place, was, (__u64)now << 48 | token) == was)
			return true;
	}
	return false;
}

static __always_inline __u64 *token_find(__u64 token)
{
	for (__u32 i = 0; i < TOKEN_PLACES; i++) {
		__u64 *place = token_place(token, i);

		if (!place || !((*(volatile __u64 *)place ^ token) & TOKEN_MASK))
			return place;
	}
	return NULL;
}

/* Is this call the first program's to count? */
static __always_inline bool counts_first(enum token_hook hook, __u16 about)
{
	if (!shared.repeated || token_leave(token_of(hook, about)))
		return true;
	__sync_fetch_and_add(&shared.yielded, 1);
	return false;
}

/* A mark that is there already is of a call before, whose last program was skipped. */
static __always_inline bool counts_second(enum token_hook hook, __u16 about)
{
	__u64 token = token_of(hook, about), *place;

	if (!shared.repeated)
		return false;
	place = token_find(token);
	if (place && !(*(volatile __u64 *)place & TOKEN_MARK)) {
		*(volatile __u64 *)place |= TOKEN_MARK;
		return false;
	}
	if (!token_leave(token | TOKEN_MARK))
		return false; /* the last will find nothing */
	__sync_fetch_and_add(&shared.caught, 1);
	return true;
}

static __always_inline bool counts_last(enum token_hook hook, __u16 about)
{
	__u64 *place;

	if (!shared.repeated)
		return false;
	place = token_find(token_of(hook, about));
	if (place) {
		swap(place, 0);
		return false;
	}
	__sync_fetch_and_add(&shared.caught, 1);
	return true;
}

/* NAME and its repeats, which the collector attaches only where the kernel may skip the first. They are
 * attached in the order in which they stand here. A tracepoint runs them in that order too, a trampoline the
 * last attached first (hlist_add_head in kernel/bpf/trampoline.c). */
#define PROGRAM_REPEATED(section, name, hook, about, call, args...)                                          \
	PROGRAM_IF(counts_first, section, name, hook, about, call, args)                                     \
	PROGRAM_IF(counts_second, section, name##_again, hook, about, call, args)                            \
	PROGRAM_IF(counts_last, section, name##_once_more, hook, about, call, args)
#define TRAMPOLINE_REPEATED(section, name, hook, about, call, args...)                                       \
	PROGRAM_IF(counts_last, section, name##_again, hook, about, call, args)                              \
	PROGRAM_IF(counts_first, section, name, hook, about, call, args)
#endif

#endif
