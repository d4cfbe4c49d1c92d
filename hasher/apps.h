/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apps.h - the app of an image (app.h), with the mounts of its process where these can tell more. Reads
 * mountinfo, which waits for nobody, and remembers the answer for a moment: an app starts many programs.
 */
#ifndef FEMTOSNITCH_HASHER_APPS_H
#define FEMTOSNITCH_HASHER_APPS_H

#include "bpf/wire.h"

struct apps;

struct apps *apps_new(void);   /* NULL: no memory */
void apps_free(struct apps *); /* NULL is fine */

/* Its key, valid until the next call; NULL: it goes by its path. cgroup: path of its cgroup, NULL: unknown.
 */
const char *apps_image(struct apps *, const struct wire_exec *, const char *cgroup, __u64 now_ms);

#endif
