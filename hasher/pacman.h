/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pacman.h - reads pacman's database: local/NAME-VERSION/{desc,files,mtree}. May wait for a disk; keeps
 * nothing.
 */
#ifndef FEMTOSNITCH_HASHER_PACMAN_H
#define FEMTOSNITCH_HASHER_PACMAN_H

#include <stdbool.h>

#include "hasher/packages.h"

/* As dpkg_find(). root: "" or the directory that holds var/lib/pacman. */
void pacman_find(const char *root, struct package_file *files);
bool pacman_works(const char *root);

#endif
