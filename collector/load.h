/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * load.h - puts the programs into the kernel: chooses what this kernel can run, loads, attaches, and says
 * what was refused and why. The only module that works with libbpf's object, which takes megabytes: what
 * lives on are the file descriptors in a struct hold.
 */
#ifndef FEMTOSNITCH_LOAD_H
#define FEMTOSNITCH_LOAD_H

#include <stdbool.h>

#include "bpf/wire.h"
#include "collector/hold.h"
#include "collector/hooks.h"

#define LOAD_TEXT_SIZE 3072
#define LOAD_MODULES_SIZE 512

struct load_wish {
	unsigned ring_pages; /* of 4 KiB, a power of two */
	enum hooks_set set;  /* HOOKS_ALWAYS: the better one of this kernel */
};

/* What became of it. Both texts are lines "NAME: reason"; "" if there are none. */
struct load_report {
	enum hooks_set set; /* that counts bytes; HOOKS_ALWAYS: neither does */
	unsigned attached;
	char modules[LOAD_MODULES_SIZE]; /* that came later: lines "module NAME: since when it is watched" */
	char refused[LOAD_TEXT_SIZE];	 /* every program that this kernel does not run */
	char missing[LOAD_TEXT_SIZE];	 /* of these, what leaves a hole */
};

struct load;

/* Load. The report must outlive the load. 0 and *out, with maps, programs and iterators in hold; or -errno
 * after a message: nothing can be watched at all. */
int load_open(struct load **out, const struct load_wish *, struct load_report *, struct hold *hold);

/* Attach what was loaded; the links are in hold. */
void load_attach(struct load *, struct wire_shared *, struct hold *hold);

void load_free(struct load *); /* NULL is fine */

/* Are there programs that only wait for this module to be loaded? */
bool load_waits_for(const struct load_report *, const char *module);

/* Load and attach these now. Their maps are those in have; programs and links are put into more, and the
 * report is brought up to date. The number attached, or -errno. In a process of its own: libbpf takes
 * megabytes. */
int load_module(const char *module, struct load_report *, const struct hold *have, struct hold *more);

#endif
