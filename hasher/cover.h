/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cover.h - sees to it that every filesystem that can hold programs is watched: those mounted here, as they
 * come and go, and those that only exec records tell of (containers, private mounts of a unit).
 *
 * FUSE is left out on purpose: to read an event is to open its file, and there any user may be the server
 * that never answers. Programs on FUSE are hashed through /proc, by a thread that may hang.
 */
#ifndef FEMTOSNITCH_HASHER_COVER_H
#define FEMTOSNITCH_HASHER_COVER_H

#include <stdbool.h>

#include "bpf/wire.h"
#include "hasher/reach.h"
#include "hasher/watch.h"

struct cover;

struct cover_listener {
	/* Programs on this filesystem cannot be watched; where: a path or a device, error: errno. */
	void (*lost)(void *arg, const char *where, int error);
	/* It is not mounted any more. */
	void (*gone)(void *arg, __u32 dev);
	void *arg;
};

/* Borrows watch, which must not be NULL. NULL: errno says why. */
struct cover *cover_new(const struct watch *, const struct cover_listener *);
void cover_free(struct cover *); /* NULL is fine */

/* Look at what is mounted here, and watch it. 0 or -errno. Again whenever cover_mount_fd() has POLLPRI. */
int cover_scan(struct cover *);
int cover_mount_fd(const struct cover *);

/* An exec record: is its filesystem known, its mount namespace? If not, watch them now. */
void cover_exec(struct cover *, const struct wire_exec *, __u64 now_ms);

/* No event came for this record, though one should have: watch its filesystem again. */
void cover_missed(struct cover *, const struct wire_exec *, __u64 now_ms);

/* The crew that goes there; but for what is near made when first needed, NULL before. Results of MARK go to
 * cover_marked(), others are whose they are. */
struct crew *cover_crew(struct cover *, enum distance);
void cover_marked(struct cover *, const struct reach_job *);

/* Look for the file of an exec record; takes the job. 0 or -errno. */
int cover_open(struct cover *, struct reach_job *);

/* How far the files of this filesystem (superblock's device) are. */
enum distance cover_distance(struct cover *, __u32 dev);

bool cover_settled(struct cover *); /* nothing that answers by itself is still to be marked */
unsigned cover_watched(struct cover *);

#endif
