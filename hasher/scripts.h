/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scripts.h - which script an image runs, and its digest: the one that the kernel opened to execute
 * (opened.h), or the one that its command line names (script.h), which somebody goes to look for (lookup.h).
 * An image does not wait for that: it tells a number, and a WIRE_DIGEST follows under it.
 *
 * Bound: SCRIPTS_MAX at a time; one more is told to be WIRE_HASH_BUSY.
 */
#ifndef FEMTOSNITCH_HASHER_SCRIPTS_H
#define FEMTOSNITCH_HASHER_SCRIPTS_H

#include <stdbool.h>

#include "bpf/wire.h"
#include "config/stage.h"
#include "hasher/versions.h"

#define SCRIPTS_MAX 256

struct scripts;

/* Borrows both. NULL: no memory. */
struct scripts *scripts_new(struct stage *, struct versions *);
void scripts_free(struct scripts *); /* NULL is fine */

/* Is fd, which answers by itself, a file with #!? Then its path, valid until the next call; else NULL. */
const char *scripts_path(int fd);

/* It was opened to be executed, and is this version. */
void scripts_opened(struct scripts *, __u32 tgid, __u64 file_id, const char *path, __u64 now_ms);

/* The script of an exec record: fills what *image says of it. Its path, valid until the next call; NULL:
 * none. */
const char *scripts_image(struct scripts *, const struct wire_exec *, struct wire_image *image);

int scripts_fd(const struct scripts *); /* readable: scripts_result(); -1: nobody looks for any */

/* Take one that was found. False: there is none. All three may write frames. */
bool scripts_result(struct scripts *);
void scripts_hashed(struct scripts *);	/* versions.h had a result: it may be one of ours */
bool scripts_abandon(struct scripts *); /* one of them will not come: say so. False: none left */
unsigned scripts_owed(const struct scripts *);

void scripts_exit(struct scripts *, __u32 tgid);
void scripts_check(struct scripts *);		     /* now and then: time limits */
void scripts_expire(struct scripts *, __u64 now_ms); /* events that nobody asked for */
bool scripts_busy(const struct scripts *);

#endif
