/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * named.h - hears when the path of a known program comes to lead to another file, before that one ever runs:
 * a fanotify group that tells what is renamed into the directories of known programs, by whom. A mark on the
 * file itself (watch.h) hears only of who writes into it.
 *
 * Paths are looked up in a thread, which may wait; one event is answered there by a look at the path, because
 * a rename may bring back what was there.
 *
 * Bound: NAMED_MAX paths, of which the one given longest ago gives way, and NAMED_JOBS_MAX looks that wait;
 * what does not fit is noticed when it runs.
 */
#ifndef FEMTOSNITCH_HASHER_NAMED_H
#define FEMTOSNITCH_HASHER_NAMED_H

#include <stdbool.h>

#include "bpf/wire.h"

#define NAMED_MAX 2048
#define NAMED_JOBS_MAX 1024

struct named;

struct named *named_new(void);	 /* NULL: errno says why; needs Linux 5.9 */
void named_free(struct named *); /* NULL is fine */

/* This version of a program was executed at this path of the machine, on a filesystem that answers by itself.
 */
void named_watch(struct named *, const char *path, const struct wire_file *, __u64 file_id);

int named_events_fd(const struct named *);  /* readable: call named_drain() */
int named_answers_fd(const struct named *); /* readable: call named_answer() */
void named_drain(struct named *);

/* Another file was put where a known program was: which version is no longer there, who did it and when.
 * False: no answer (more). */
bool named_answer(struct named *, struct wire_changed *);

void named_check(struct named *); /* once a second or so */
bool named_busy(const struct named *);

#endif
