/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * images.h - who is who: the table of image keys (a process and its execve's) and the images they stand for.
 * An image is a program, its script, its command line, where it runs and the image of its parent; equal
 * images are one. Ancestors are held by reference, so a parent that is dead keeps its true identity. No I/O.
 *
 * Bounds: IMAGES_PROCESSES_MAX keys. A key is kept for two windows after its process ended or executed
 * something else (traffic is reported late); when the table is full the oldest of those go first, then the
 * oldest live ones, which is counted. Command lines beyond IMAGES_TEXT_MAX bytes in all keep their first
 * IMAGES_TEXT_SHORT bytes. Chains of more than IMAGES_DEPTH_MAX ancestors keep the nearest ones.
 */
#ifndef FEMTOSNITCH_STORE_IMAGES_H
#define FEMTOSNITCH_STORE_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"
#include "store/places.h"
#include "store/programs.h"

#define IMAGES_PROCESSES_MAX 65536
#define IMAGES_TEXT_MAX (16u << 20)
#define IMAGES_TEXT_SHORT 256
#define IMAGES_DEPTH_MAX 32

/* Whose the path of a program is. */
enum command_where {
	COMMAND_HERE,	   /* this machine's */
	COMMAND_ELSEWHERE, /* of a root of its own: a container, a Flatpak, a mount namespace */
	COMMAND_NOWHERE	   /* nothing is at it: deleted, in memory, too long, none at all */
};

struct command {
	struct program *program;
	struct program *script; /* NULL = none, or none that has a path */
	char *cmdline;		/* NULL = could not be read */
	char *app;		/* NULL = no more than a program or a script */
	uint32_t flags;		/* SCHEMA_FLAG_* */
	uint32_t script_source; /* enum wire_script */
	enum command_where where;
	uint32_t refs;
};

struct image {
	struct image *next;
	struct command *command;
	struct image *parent; /* NULL = unknown */
	struct place *place;  /* NULL = unknown */
	uint32_t hash;
	uint32_t refs;
	uint32_t depth; /* number of ancestors */
	/* The row: owned by records.c */
	int64_t id; /* 0 = none known */
	int64_t last_hour_s;
};

enum command_where command_where(const struct wire_image *); /* of a checked image */

struct images;
struct images *images_new(struct programs *, struct places *, size_t processes_max); /* NULL: no memory */
void images_free(struct images *);

/* A WIRE_IMAGE that was checked. keep_cmdline false: the command line is not even remembered.
 * 0 or -ENOMEM. */
int images_exec(struct images *, const struct wire_image *, bool keep_cmdline);

/* The image of a program that another log tells of, with one reference for the caller; cmdline is clean text,
 * NULL = unknown. NULL: no memory. */
struct image *images_intern_told(struct images *, struct program *, const char *cmdline, uint32_t flags,
				 struct image *parent);
int images_fork(struct images *, const struct wire_fork *);
void images_exit(struct images *, const struct wire_exit *);

/* The image behind a key, NULL if nobody described it (or there is no memory). Valid until the next call into
 * this module, unless image_ref() is called. */
struct image *images_find(struct images *, const struct wire_image_key *);
/* What the process with this number ran last, as far as is still known; NULL: unknown. A long search. Valid
 * as above. */
const char *images_exe(const struct images *, uint32_t tgid);
struct image *image_ref(struct image *);

/* Is the process a fork that runs the same image still? Then *parent is who forked it. */
bool images_forked_from(const struct images *, const struct wire_image_key *, struct wire_image_key *parent);
void images_unref(struct images *, struct image *); /* NULL is fine */

/* A window is over: keys that ended two windows ago are forgotten. Returns how many live ones had to be
 * forgotten since the last call because the table was full. */
uint64_t images_window(struct images *);

size_t images_processes(const struct images *);
size_t images_count(const struct images *);
void images_forget_rows(struct images *); /* the transaction that gave them ids was undone */

#endif
