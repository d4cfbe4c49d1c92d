/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * places.h - the cgroups we were told of, and where an image runs by them. Says a wire_place downstream
 * before the first image or flow that refers to it, and once only.
 *
 * The cgroup v2 of an image may be unknown (its record was lost, or it was forgotten), or say nothing, where
 * runtimes put containers into hierarchies of version 1: then the process itself is asked, in /proc, as long
 * as it lives. Such a place is of that image alone.
 *
 * Bound: PLACES_MAX cgroups with at most WIRE_CGROUP_MAX bytes of path each; the one that was not used for
 * longest goes first. The store keeps as many and is shown every use, so that it never forgets one sooner.
 */
#ifndef FEMTOSNITCH_HASHER_PLACES_H
#define FEMTOSNITCH_HASHER_PLACES_H

#include <stddef.h>

#include "bpf/wire.h"
#include "config/stage.h"

#define PLACES_MAX 4096
#define PLACES_FRAME_MAX                                                                                     \
	(sizeof(struct wire_hdr) + sizeof(struct wire_place) + 3 * WIRE_PLACE_NAME_MAX + WIRE_CGROUP_MAX)

struct places;

struct places *places_new(struct stage *, size_t max); /* NULL: no memory */
void places_free(struct places *);		       /* NULL is fine */

/* A WIRE_CGROUP that was checked. */
void places_learn(struct places *, const struct wire_cgroup *);

/* Where this image runs: wire_image.place_id. 0: not known. Both may write one frame (PLACES_FRAME_MAX). */
__u64 places_image(struct places *, const struct wire_exec *);
/* The path of its cgroup, valid until the next call; NULL: not known. */
const char *places_cgroup(struct places *, const struct wire_exec *);
void places_creator(struct places *, __u64 cgroup_id); /* a flow refers to it */

size_t places_count(const struct places *);

/* The text of a /proc/PID/cgroup: path of the line that says most. NULL: none says anything. The text is
 * taken apart. */
const char *places_choose(char *text);

#endif
