/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wanted.h - the files that are looked for in a package database, found by the paths it names. No I/O.
 *
 * Where /bin is a link to /usr/bin, packages may still say /bin: such a file is found under both names.
 */
#ifndef FEMTOSNITCH_HASHER_WANTED_H
#define FEMTOSNITCH_HASHER_WANTED_H

#include "hasher/packages.h"

#define WANTED_MAX 128

struct wanted;

/* Of a list of at most WANTED_MAX files, those that nobody owns yet. Borrows them. NULL: no memory. */
struct wanted *wanted_new(struct package_file *);
void wanted_free(struct wanted *); /* NULL is fine */

/* The file with this path (with or without its first "/"), the next one after *after with the same path.
 * NULL: none (more). */
struct package_file *wanted_find(const struct wanted *, const char *path, const struct package_file *after);

/* A package brought it; of several, the first that says so. text: cut to PACKAGES_TEXT. */
void wanted_own(struct package_file *, const char *manager, const char *name, const char *version);

/* hex: lower or upper case, as many digits as the kind has; anything else means nothing. */
void wanted_digest(struct package_file *, enum package_digest, const char *hex);

#endif
