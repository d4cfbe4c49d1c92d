/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * identity.h - rows of programs, images and places; the larger half of records.c. Only that and writer.c
 * include it. Runs inside the caller's transaction.
 */
#ifndef FEMTOSNITCH_STORE_IDENTITY_H
#define FEMTOSNITCH_STORE_IDENTITY_H

#include <stdint.h>

#include "store/images.h"
#include "store/sqlite.h"

/* The row's id (> 0), or -errno. The row is found or made, and learns what the program has to tell. */
int64_t identity_program(struct sqlite *, struct program *, int64_t now_s);

/* Is it in snitch.db already, as something that used the network, or started what did, as it does now? 1 yes,
 * 0 no, -errno. Writes nothing. */
int identity_known(struct sqlite *, struct program *);

/* Tell the row what it adds to: modified, ignored bytes. Once per transaction; the id is known.
 * 0 or -errno. */
int identity_news(struct sqlite *, struct program *);

int64_t identity_place(struct sqlite *, struct place *, int64_t now_s); /* the row's id (> 0), or -errno */

/* The row's id (> 0), or -errno: found or made, its program, its place and its ancestors too. */
int64_t identity_image(struct sqlite *, struct image *, int64_t now_s, bool log_commands);

#endif
