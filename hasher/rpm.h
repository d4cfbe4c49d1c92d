/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rpm.h - asks rpm's database, through a program of ours that lives for one look (rpmdb/main.c): neither
 * SQLite nor rpm's headers have a place in the hasher. Waits for its answer.
 */
#ifndef FEMTOSNITCH_HASHER_RPM_H
#define FEMTOSNITCH_HASHER_RPM_H

#include <stdbool.h>

#include "hasher/packages.h"

/* As dpkg_find(). root: "" or the directory that holds var/lib/rpm, or usr/lib/sysimage/rpm. */
void rpm_find(const char *root, struct package_file *files);
bool rpm_works(const char *root);

#endif
