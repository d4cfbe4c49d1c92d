/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libraries.h - what else is in a program that uses the network (key "Log libraries"): has its mapped files
 * looked at (mapped.h) and tells the set. Most programs have one of a few sets: a set is told with its files
 * once in TELL_AGAIN_MS, and by its number in between.
 *
 * Bound: LIBRARIES_MAX processes wait; one more is left out, as is one that ends too soon.
 */
#ifndef FEMTOSNITCH_HASHER_LIBRARIES_H
#define FEMTOSNITCH_HASHER_LIBRARIES_H

#include <stdbool.h>

#include "bpf/wire.h"
#include "config/stage.h"

#define LIBRARIES_MAX 64
#define LIBRARIES_SETS 256

struct libraries;

struct libraries *libraries_new(struct stage *); /* borrows it; NULL: no memory */
void libraries_free(struct libraries *);	 /* NULL is fine */

void libraries_image(struct libraries *, const struct wire_exec *); /* it uses the network */

int libraries_fd(const struct libraries *); /* readable: libraries_result(); -1: nobody looks */

/* Tell one result: a frame. False: there is none. */
bool libraries_result(struct libraries *, __u64 now_ms);

void libraries_check(struct libraries *); /* now and then: time limits */
bool libraries_busy(const struct libraries *);

#endif
