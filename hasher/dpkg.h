/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpkg.h - reads dpkg's database: info/PACKAGE.list (paths), info/PACKAGE.md5sums, status (versions). May
 * wait for a disk; keeps nothing.
 */
#ifndef FEMTOSNITCH_HASHER_DPKG_H
#define FEMTOSNITCH_HASHER_DPKG_H

#include <stdbool.h>

#include "hasher/packages.h"

/* Fill in manager, name, version and digest of those files (a list of at most WANTED_MAX) that a package
 * brought. root: "" or the directory that holds var/lib/dpkg. */
void dpkg_find(const char *root, struct package_file *files);

/* Is dpkg at work? It replaces files before it says so in its database. */
bool dpkg_works(const char *root);

#endif
