/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libraries.h - the sets of libraries that images had in them (view libraries): each distinct set once, and
 * which image had which, when. Written after a window, when its images have their rows.
 *
 * Bound: LIBRARIES_MAX sightings wait, LIBRARIES_BYTES of sets that are new; more are not kept.
 */
#ifndef FEMTOSNITCH_STORE_LIBRARIES_H
#define FEMTOSNITCH_STORE_LIBRARIES_H

#include <stdbool.h>

#include "bpf/wire.h"
#include "store/images.h"
#include "store/sqlite.h"

#define LIBRARIES_MAX 1024
#define LIBRARIES_BYTES (1 << 20)

struct libraries;

struct libraries *libraries_new(struct images *); /* borrows it; NULL: no memory */
void libraries_free(struct libraries *);	  /* before the images; NULL is fine */

/* A frame that was checked. What there is no room or no image for is dropped. */
void libraries_add(struct libraries *, const struct wire_libraries *, int64_t now_s);

bool libraries_wait(const struct libraries *); /* is there any that can be written? */

/* A window was committed: write what its images had, in a transaction of its own. Those whose image has no
 * row yet wait for the next, and then no longer. 0 or -errno. */
int libraries_write(struct libraries *, struct sqlite *);

#endif
