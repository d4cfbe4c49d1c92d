/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sqlite.h - rpm's database in the format of Fedora and RHEL: an SQLite file, rpmdb.sqlite.
 */
#ifndef FEMTOSNITCH_HASHER_RPMDB_SQLITE_H
#define FEMTOSNITCH_HASHER_RPMDB_SQLITE_H

#include "hasher/rpmdb/match.h"

/* 0, or -EINVAL: it cannot be read. */
int sqlite_match(const char *file, struct matches *);

#endif
