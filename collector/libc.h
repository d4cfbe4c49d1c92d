/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libc.h - getaddrinfo(3) watched in every C library that programs use, those of containers included. A small
 * process does it, which keeps the privileges for it: it looks which file a program has mapped as its C
 * library, and puts the two programs of bpf/resolve.bpf.c on that file, once for each. They stay as long as
 * the process does, which ends with the collector.
 *
 * Looked at are the programs that run when it starts, and from then on those that use the network for the
 * first time, each file in each mount namespace once in ten seconds: another program, another namespace, or
 * an update, is where another C library comes from. What such a program asked before it is known by its
 * packets only, and so is one that is linked statically.
 */
#ifndef FEMTOSNITCH_LIBC_H
#define FEMTOSNITCH_LIBC_H

#include <stdint.h>

#include "bpf/wire.h"
#include "collector/hold.h"
#include "config/stage.h"

struct libc;

/* Start it, and wait for its first look. hold: where the programs are. NULL: it is not there; *why, if not
 * NULL, says why in a line. */
struct libc *libc_start(const struct hold *, const struct stage *, const char **why);

void libc_free(struct libc *); /* ends the process; NULL is fine, as for the others */

unsigned libc_watched(const struct libc *); /* libraries at the start */

/* A program uses the network for the first time. Nothing waits for this. */
void libc_look(struct libc *, const struct wire_exec *, wire_ns now);

#endif
