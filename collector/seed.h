/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seed.h - what was there before us: every process, and every open connection. Runs once, after the programs
 * are attached, so that nothing falls between.
 */
#ifndef FEMTOSNITCH_SEED_H
#define FEMTOSNITCH_SEED_H

#include "collector/probe.h"
#include "collector/record.h"

/* 0, or -errno after a message: what could not be seeded is described when it first uses the network. */
int seed_run(struct probe *, struct record *);

/* The same for a collector that takes over: the sockets are known. */
int seed_again(struct probe *, struct record *);

#endif
