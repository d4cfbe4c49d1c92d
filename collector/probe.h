/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe.h - the BPF programs while they run: hands out what they record and count. It works with file
 * descriptors only (hold.h); load.h gets them from the kernel. Everything that was put into the kernel is
 * gone once probe_free() was called or the process has ended, unless somebody else holds it too (adopt.h):
 * nothing is pinned.
 */
#ifndef FEMTOSNITCH_PROBE_H
#define FEMTOSNITCH_PROBE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "bpf/wire.h"
#include "collector/hold.h"
#include "collector/hooks.h"
#include "collector/load.h"

struct probe;

enum probe_iter {
	PROBE_ITER_SOCKETS, /* wire_flow frames: what changed since the last look */
	PROBE_ITER_TASKS,   /* wire_exec frames without command lines: every process */
	PROBE_ITER_FILES,   /* no output: seeds open sockets (wire_shared.seed_pass says how) */
	PROBE_ITER__MAX
};

/* Load. 0 and *out, or a negative errno after a message: nothing can be watched at all. ring_pages: of 4 KiB,
 * a power of two. set: HOOKS_ALWAYS = the better one. */
int probe_open(struct probe **out, unsigned ring_pages, enum hooks_set set);

/* Go on with what another process loaded and attached: takes over what is in hold (left empty), also when it
 * fails. */
int probe_adopt(struct probe **out, struct hold *hold, const struct load_report *);
const struct hold *probe_hold(const struct probe *);
const struct load_report *probe_report(const struct probe *);

/* Programs and links of a module that came later: they are copied, and the report is this one from now on.
 * 0 or -errno (-ENOSPC): some were not. */
int probe_add(struct probe *, const struct hold *more, const struct load_report *);

/* From now on the kernel counts and records; until then only iterators run. */
void probe_attach(struct probe *);

void probe_free(struct probe *); /* NULL is fine */

/* What runs, one item per line, the last without newline: "kernel RELEASE", "hooks SET: N attached", a
 * "refused NAME: reason" for each program that is left out, "NOT PROVEN: NAME: reason" where that matters. */
void probe_say(const struct probe *, FILE *);

const char *probe_missing(const struct probe *); /* the last of these, "NAME: reason" a line; "" if none */

struct wire_shared *probe_shared(struct probe *);

/* Called for each record; data is the record as the kernel wrote it, size its size in the ring. Non-zero
 * stops the reading after this record, which counts as read. */
typedef int probe_record(void *arg, const void *data, size_t size);

int probe_ring_fd(const struct probe *); /* pollable, edge-triggered: see wake() in maps.bpf.h */
int probe_ring_read(struct probe *, probe_record *, void *arg); /* all there is; records read or -errno */

/* A new reading of an iterator: an fd to read(2) in pieces of at least 32 KiB, the caller closes it; or
 * -errno. */
int probe_iter_open(struct probe *, enum probe_iter);

/* Exchange the overflow hash for an empty one and hand each flow of the full one to the callback, after what
 * the ring holds: who an image is stands there before its flows are here. The kernel lets no program run on
 * in the full one after the exchange. Flows taken, or -errno. */
int probe_overflow_take(struct probe *, probe_record *, void *arg);

int probe_listening_clear(struct probe *); /* the seed pass is over: 0 or -errno */

/* Have every image described again when it uses the network. */
void probe_describe_again(struct probe *);

/* Detach what counts; counters, iterators and the hook that tells the end of sockets stay. */
void probe_stop_counting(struct probe *);

/* Runs that the kernel skipped and no other program made up for, since they were loaded
 * (bpf_prog_info.recursion_misses, Linux 5.12). */
uint64_t probe_skipped_runs(struct probe *);

#endif
