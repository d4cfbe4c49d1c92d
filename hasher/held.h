/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * held.h - does somebody hold a lock on a file? Asked without taking one: a package manager that does not get
 * its lock gives up.
 */
#ifndef FEMTOSNITCH_HASHER_HELD_H
#define FEMTOSNITCH_HASHER_HELD_H

#include <stdbool.h>

/* To write, by fcntl(2) or flock(2). */
bool held_exclusively(const char *path);

#endif
