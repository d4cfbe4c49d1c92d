/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * processes.h - image keys and what they stand for; the inner half of images.c, which alone includes it.
 */
#ifndef FEMTOSNITCH_STORE_PROCESSES_H
#define FEMTOSNITCH_STORE_PROCESSES_H

#include "store/images.h"

struct processes;
struct processes *processes_new(struct images *, size_t max); /* NULL: no memory */
void processes_free(struct processes *);

/* 0 or -ENOMEM. Command and place get references of their own; place NULL: not known. */
int processes_exec(struct processes *, const struct wire_exec *, struct command *, struct place *);
int processes_fork(struct processes *, const struct wire_fork *);
void processes_exit(struct processes *, const struct wire_exit *);

/* As images_find(), images_forked_from(), images_window(), images_processes(). */
struct image *processes_image(struct processes *, const struct wire_image_key *);
bool processes_forked_from(const struct processes *, const struct wire_image_key *, struct wire_image_key *);
const char *processes_exe(const struct processes *, uint32_t tgid); /* as images_exe() */
uint64_t processes_window(struct processes *);
size_t processes_count(const struct processes *);

/* What images.c does for it: one reference more for the caller, NULL: no memory. */
struct image *images_intern(struct images *, struct command *, struct image *parent, struct place *);
void images_command_unref(struct images *, struct command *);

#endif
