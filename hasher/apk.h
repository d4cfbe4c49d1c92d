/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apk.h - reads the database of Alpine's apk: one text, "installed". May wait for a disk; keeps nothing.
 */
#ifndef FEMTOSNITCH_HASHER_APK_H
#define FEMTOSNITCH_HASHER_APK_H

#include <stdbool.h>
#include <stdio.h>

#include "hasher/packages.h"

/* As dpkg_find(). root: "" or the directory that holds lib/apk/db, or usr/lib/apk/db. */
void apk_find(const char *root, struct package_file *files);
bool apk_works(const char *root);

#endif
