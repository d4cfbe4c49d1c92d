/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * images.h - turns each exec record into an image: program, version, digest, place. Brings together the
 * events (watch.h, join.h), what is known and hashed (versions.h), who looks for a file without an event
 * (cover.h, reach.h), the scripts (scripts.h), the cgroups (places.h) and the packages (owners.h), and says
 * downstream what came of it.
 *
 * Nothing here waits. Whoever calls a function that writes frames has made sure of room for IMAGES_ROOM
 * bytes.
 */
#ifndef FEMTOSNITCH_HASHER_IMAGES_H
#define FEMTOSNITCH_HASHER_IMAGES_H

#include <stdbool.h>

#include "bpf/wire.h"
#include "config/stage.h"
#include "hasher/places.h"
#include "hasher/watch.h"

#define IMAGES_ROOM (WIRE_FRAME_MAX + 16384) /* an image, and a few losses and digests beside it */

struct images;

/* watch may be NULL: no fanotify, everything through /proc. Borrows all three. NULL: errno says why. */
struct images *images_new(struct stage *, struct watch *watch, struct places *, unsigned max_files);
void images_free(struct images *); /* NULL is fine */

/* Take what fanotify has queued: before an exec record is looked at, and whenever there is something. With
 * room for frames modifications are taken too, which write WIRE_CHANGED. The number of events. */
unsigned images_drain(struct images *, bool has_room);

/* An exec record of len bytes (checked): write its image. */
void images_exec(struct images *, const struct wire_exec *, size_t len);
void images_exit(struct images *, __u32 tgid);

/* A file is to be handed to VirusTotal's sink. */
void images_fetch(struct images *, const struct wire_fetch *);

/* Something was renamed where known programs are. */
void images_renamed(struct images *);

/* The mount table changed. */
void images_mounts(struct images *);

/* Descriptors to poll for reading; [IMAGES_MOUNTS] is for POLLPRI. -1: there is none. */
enum images_fd {
	IMAGES_EXECUTED,
	IMAGES_EXECUTED_FAR,
	IMAGES_EXECUTED_STRANGE,
	IMAGES_MODIFIED,
	IMAGES_RENAMED,
	IMAGES_MOUNTS,
	IMAGES_RESULTS, /* from here on: of threads */
	IMAGES_READ_FAR = IMAGES_RESULTS,
	IMAGES_READ_STRANGE,
	IMAGES_HASHED, /* small files */
	IMAGES_HASHED_BIG,
	IMAGES_HASHED_FAR,
	IMAGES_HASHED_STRANGE,
	IMAGES_SCRIPTS,
	IMAGES_LIBRARIES,
	IMAGES_NEAR,
	IMAGES_FAR,
	IMAGES_STRANGE,
	IMAGES_PACKAGES,
	IMAGES_FETCHED,
	IMAGES_NAMED,
	IMAGES__FDS
};
int images_fd(struct images *, enum images_fd);

/* Take one result of the threads, write what follows from it. False: there is none. */
bool images_result(struct images *);

/* Once a second or so: time limits, and candidates nobody asked for (not while records may be waiting). */
void images_check(struct images *, bool caught_up);

void images_losses(struct images *);	  /* write what was lost since the last call */
bool images_ready(struct images *);	  /* all that answers by itself is watched */
unsigned images_watched(struct images *); /* filesystems */
unsigned images_owed(struct images *);	  /* digests promised and not sent */

/* Promised digests that will not come: say so. One per call; false: none left. */
bool images_abandon(struct images *);

/* Anything to check for? */
bool images_busy(struct images *);

#endif
