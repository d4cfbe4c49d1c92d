/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hooks.h - the one table of BPF programs: which set each belongs to, and what its absence means. Data only;
 * load.c acts on it. A program has the same name here as in bpf/; a row whose program is not in the object is
 * no mistake, a program without a row is (a unit test looks).
 */
#ifndef FEMTOSNITCH_HOOKS_H
#define FEMTOSNITCH_HOOKS_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes are counted by one of two sets, never by both. */
enum hooks_set {
	HOOKS_ALWAYS,
	HOOKS_TRACEPOINTS, /* Linux 6.3: sock_send_length, sock_recv_length */
	HOOKS_TRAMPOLINES, /* fentry and fexit, where the kernel lets its text be patched */
	HOOKS__MAX
};

/* clang-format off */
#define HOOK_STAYS	0x1  /* tells the end of sockets: attached first, and stays to the end of the last window */
#define HOOK_READ	0x2  /* an iterator: runs when the collector reads */
#define HOOK_EXTRA	0x4  /* where it is refused, nothing that others promise is missing: no NOT PROVEN */
#define HOOK_NAMES	0x8  /* also copies what names peers: where it is refused, it is tried without */
#define HOOK_CATCHES_UP	0x10 /* a run the kernel skips is made up for by the next, and the socket's end is checked */
#define HOOK_LATER	0x20 /* attached by others, where it is needed: collector/libc.h, collector/answer.h */
/* clang-format on */

struct hook {
	const char *program;
	enum hooks_set set;
	unsigned flags;
	const char *module; /* the kernel's, whose function it sits on; NULL: of what is always built in */
};

/* The modules of the table, one after the other from 0; NULL after the last. */
const char *hooks_module(unsigned which);

/* The row of a program. Its repeats, X_again and X_once_more, share that of X: see bpf/repeat.bpf.h. NULL:
 * there is none. */
const struct hook *hooks_find(const char *program);

bool hooks_is_repeat(const char *program);

/* The name of the program that this one is, or repeats. False: it does not fit. */
bool hooks_first(char *first, size_t size, const char *program);

const char *hooks_set_name(enum hooks_set);

#endif
