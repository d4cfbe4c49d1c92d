/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * twice.bpf.h - a second chance for programs that the kernel skips. It refuses to enter a program on a CPU
 * where the same program was preempted (bpf_prog.active), and until the first task runs again all others on
 * that CPU go unseen: measured on 7.3, 1 to 3 % of the sends of four busy threads. Tracepoints switch
 * preemption off until Linux 6.18; on later ones, and where trampolines count on a kernel that preempts, each
 * of these programs is attached twice, and the second counts what the first was not run for. Switching
 * preemption off in the program does not help: switching it on again lets the scheduler in before the program
 * has ended.
 *
 * The first leaves a token of what it saw and the second takes it away; a first that finds no place for its
 * token leaves the counting to the second. So each call is counted once, unless both were skipped in it: of
 * the runs of the first that the kernel skipped, as many were caught as the second counted, but for those
 * that the first yielded to it. What is left is lost (probe_skipped_runs).
 */
#ifndef FEMTOSNITCH_TWICE_BPF_H
#define FEMTOSNITCH_TWICE_BPF_H

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

#if EARLY /* 5.10 to 5.16 skip nothing */

#define PROGRAM_TWICE(section, name, hook, about, call, args...)                                             \
	SEC(section)                                                                                         \
	int BPF_PROG(name, args)                                                                             \
	{                                                                                                    \
		call;                                                                                        \
		return 0;                                                                                    \
	}

#define TRAMPOLINE_TWICE PROGRAM_TWICE
#else

#define TOKENS_MAX 1024 /* a power of two */
#define TOKEN_PLACES 4
/* Of 256 jiffies each, at least a minute: its second was skipped, its thread is gone */
#define TOKEN_STALE 240

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TOKENS_MAX);
	__type(key, __u32);
	__type(value, __u64); /* 0 = free, else its time << 48 | what it is of */
} tokens SEC(".maps") __weak;

/* Thread (at most 2^22 of them), hook, and which of its objects: an interrupt may run another hook, or this
 * one for another socket, between the two programs of a pair. */
static __always_inline __u64 token_of(enum token_hook hook, __u16 about)
{
	__u64 tid = (__u32)bpf_get_current_pid_tgid();

	return tid | (__u64)hook << 22 | (__u64)about << 32;
}

static __always_inline __u64 *token_place(__u64 token, __u32 i)
{
	__u32 at = (((__u32)token * 0x9E3779B1u >> 16) + i) & (TOKENS_MAX - 1);

	return bpf_map_lookup_elem(&tokens, &at);
}

#define TOKEN_MASK 0xffffffffffffull

/* False: nowhere to leave it. */
static __always_inline bool token_leave(__u64 token)
{
	__u16 now = bpf_jiffies64() >> 8;

	for (__u32 i = 0; i < TOKEN_PLACES; i++) {
		__u64 *place = token_place(token, i), was;

		if (!place)
			return false;
		was = *(volatile __u64 *)place;
		if (was && (was & TOKEN_MASK) == token) /* of a call whose second was skipped */
			return true;
		if ((!was || (__u16)(now - (__u16)(was >> 48)) > TOKEN_STALE) &&
		    cas(place, was, (__u64)now << 48 | token) == was)
			return true;
	}
	return false;
}

static __always_inline bool token_take(__u64 token)
{
	for (__u32 i = 0; i < TOKEN_PLACES; i++) {
		__u64 *place = token_place(token, i);

		if (!place)
			return false;
		if ((*(volatile __u64 *)place & TOKEN_MASK) == token) {
			swap(place, 0);
			return true;
		}
	}
	return false;
}

/* In the first program: is this call its to count? */
static __always_inline bool counts_first(enum token_hook hook, __u16 about)
{
	if (!shared.twice || token_leave(token_of(hook, about)))
		return true;
	__sync_fetch_and_add(&shared.yielded, 1);
	return false;
}

/* In the second. */
static __always_inline bool counts_second(enum token_hook hook, __u16 about)
{
	if (!shared.twice || token_take(token_of(hook, about)))
		return false;
	__sync_fetch_and_add(&shared.caught, 1);
	return true;
}

#define PROGRAM_FIRST(section, name, hook, about, call, args...)                                             \
	SEC(section)                                                                                         \
	int BPF_PROG(name, args)                                                                             \
	{                                                                                                    \
		if (counts_first(hook, about))                                                               \
			call;                                                                                \
		return 0;                                                                                    \
	}
#define PROGRAM_SECOND(section, name, hook, about, call, args...)                                            \
	SEC(section)                                                                                         \
	int BPF_PROG(name##_again, args)                                                                     \
	{                                                                                                    \
		if (counts_second(hook, about))                                                              \
			call;                                                                                \
		return 0;                                                                                    \
	}

/* The pair: NAME, and NAME_again, which the collector attaches only where the kernel may skip the first. They
 * are attached in the order in which they stand here. A tracepoint runs them in that order too, a trampoline
 * the last attached first (hlist_add_head in kernel/bpf/trampoline.c). */
#define PROGRAM_TWICE(section, name, hook, about, call, args...)                                             \
	PROGRAM_FIRST(section, name, hook, about, call, args)                                                \
	PROGRAM_SECOND(section, name, hook, about, call, args)
#define TRAMPOLINE_TWICE(section, name, hook, about, call, args...)                                          \
	PROGRAM_SECOND(section, name, hook, about, call, args)                                               \
	PROGRAM_FIRST(section, name, hook, about, call, args)
#endif

#endif
