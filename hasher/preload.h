/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * preload.h - does the dynamic loader of this machine load something into every program (/etc/ld.so.preload)?
 * Looked at once a second at most, in the root of process 1; a container's own file is not looked at.
 */
#ifndef FEMTOSNITCH_HASHER_PRELOAD_H
#define FEMTOSNITCH_HASHER_PRELOAD_H

#include <stdbool.h>

#include "bpf/wire.h"

struct preload {
	__u64 looked_ms; /* 0: not yet */
	__u64 root_ino;
	__u32 mntns;
	bool active;
};

/* Into this program too? Zero *preload before the first call. */
bool preload_image(struct preload *, const struct wire_exec *, __u64 now_ms);

/* The same for a root: a directory. */
bool preload_in(const char *root);

#endif
