/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * versions.h - the versions of executed files and their digests: has each hashed once, watches it for
 * modification, and tells downstream who was promised a digest. Owns the cache (cache.h) and who hashes
 * (hashing.h). Which version an image is, images.c decides.
 *
 * An fd that is not near may belong to a server that does not answer: it is not touched here, only handed on.
 * Functions that write frames need room for them (IMAGES_ROOM).
 */
#ifndef FEMTOSNITCH_HASHER_VERSIONS_H
#define FEMTOSNITCH_HASHER_VERSIONS_H

#include <stdbool.h>

#include "bpf/wire.h"
#include "config/stage.h"
#include "hasher/cache.h"
#include "hasher/distance.h"
#include "hasher/far.h"
#include "hasher/hashing.h"
#include "hasher/known.h"
#include "hasher/watch.h"

struct versions {
	struct stage *stage;
	struct watch *watch;	/* NULL: no fanotify */
	struct far *const *far; /* by distance, NULL for near: who closes such fds. NULL: nobody need */
	struct cache *cache;
	struct hashing *hashing;
	struct known *known; /* NULL: nothing of earlier runs */
};

/* Borrows all three. 0 or -ENOMEM, and then versions_close() is still to be called. */
int versions_open(struct versions *, struct stage *, struct watch *, struct far *const *far,
		  unsigned max_files);
void versions_close(struct versions *); /* of a zeroed one too */

/* A filesystem is not mounted any more. dev: the superblock's. */
void versions_unmounted(struct versions *, __u32 dev);

/* A file that fd was opened to be executed from, which is now *st: its version, hashed if it is a new one.
 * Owns fd. The file_id; 0: there is no room for it. */
__u64 versions_executed(struct versions *, int fd, const struct wire_file *st, enum distance);

/* A file was modified by tgid: what was known of it no longer holds. Owns fd, which is near. */
void versions_modified(struct versions *, __u32 tgid, int fd);

/* The file of f, which no event brought, was found: fd is *st. Owns fd. */
void versions_found(struct versions *, struct cache_file *f, int fd, const struct wire_file *st,
		    enum distance);

/* There will be no digest of f, and why. Last use of f. */
void versions_failed(struct versions *, struct cache_file *f, unsigned hash_error);

void versions_let_go(struct versions *, int fd, enum distance); /* close fd, or have it closed */

bool versions_result(struct versions *);   /* take one result of the threads. False: there is none */
unsigned versions_owed(struct versions *); /* digests promised and not sent */
bool versions_abandon(struct versions *);  /* one of them will not come: say so. False: none left */

#endif
