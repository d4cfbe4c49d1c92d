/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * owners.h - has each version of an executable looked up once in the package database (packages.h), and says
 * downstream what came of it. Every version that an image told gets an answer: somebody waits for it.
 */
#ifndef FEMTOSNITCH_HASHER_OWNERS_H
#define FEMTOSNITCH_HASHER_OWNERS_H

#include <stdbool.h>

#include "bpf/wire.h"
#include "config/stage.h"
#include "hasher/cache.h"
#include "hasher/packages.h"

struct owners {
	struct stage *stage;
	struct packages *packages; /* NULL: nobody looks */
};

void owners_open(struct owners *, struct stage *); /* borrows it */
void owners_close(struct owners *);		   /* of a zeroed one too */

/* An image was told of f. elsewhere: its path is not one of this machine. May write a frame. */
void owners_ask(struct owners *, const struct wire_exec *, struct cache_file *f, bool elsewhere);

bool owners_answer(struct owners *); /* write one answer. False: there is none */
int owners_fd(const struct owners *);
void owners_check(struct owners *); /* once a second or so */
bool owners_busy(const struct owners *);

#endif
