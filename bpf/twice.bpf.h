/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * twice.bpf.h - a second chance for programs that the kernel skips. It refuses to enter a program on a CPU
 * where the same program was preempted (bpf_prog.active), and until the first task runs again all others on
 * that CPU go unseen: measured on 7.3, 1 to 3 % of the sends of four busy threads. Tracepoints switch
 * preemption off until Linux 6.18; on later ones each of these programs is attached twice, and the second
 * counts what the first was not run for. Switching preemption off in the program does not help: switching it
 * on again lets the scheduler in before the program has ended.
 *
 * The first leaves its thread id as a token and the second takes it away; a first that finds no place for its
 * token leaves the counting to the second. So each call is counted once, unless both were skipped in it.
 */
#ifndef FEMTOSNITCH_TWICE_BPF_H
#define FEMTOSNITCH_TWICE_BPF_H

#include "bpf/maps.bpf.h"

#define TOKENS_MAX 1024 /* a power of two */
#define TOKEN_PLACES 4
#define TOKEN_STALE 60000 /* jiffies, at least a minute: its second was skipped and its thread is gone */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TOKENS_MAX);
	__type(key, __u32);
	__type(value, __u64); /* thread id, jiffies << 32; 0 = free */
} tokens SEC(".maps") __weak;

static __always_inline __u64 *token_place(__u32 tid, __u32 i)
{
	__u32 at = ((tid * 0x9E3779B1u >> 16) + i) & (TOKENS_MAX - 1);

	return bpf_map_lookup_elem(&tokens, &at);
}

/* False: nowhere to leave it. */
static __always_inline bool token_leave(__u32 tid)
{
	__u32 now = bpf_jiffies64();

	for (__u32 i = 0; i < TOKEN_PLACES; i++) {
		__u64 *place = token_place(tid, i), was;

		if (!place)
			return false;
		was = *(volatile __u64 *)place;
		if ((__u32)was == tid) /* of a call whose second was skipped */
			return true;
		if ((!was || now - (__u32)(was >> 32) > TOKEN_STALE) &&
		    __sync_val_compare_and_swap(place, was, (__u64)now << 32 | tid) == was)
			return true;
	}
	return false;
}

static __always_inline bool token_take(__u32 tid)
{
	for (__u32 i = 0; i < TOKEN_PLACES; i++) {
		__u64 *place = token_place(tid, i);

		if (!place)
			return false;
		if ((__u32) * (volatile __u64 *)place == tid) {
			__sync_lock_test_and_set(place, 0);
			return true;
		}
	}
	return false;
}

/* In the first program: is this call its to count? */
static __always_inline bool counts_first(void)
{
	return !shared.twice || token_leave(bpf_get_current_pid_tgid());
}

/* In the second. */
static __always_inline bool counts_second(void)
{
	return shared.twice && !token_take(bpf_get_current_pid_tgid());
}

#endif
