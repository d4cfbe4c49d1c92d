/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ndb.h - rpm's database in the format of openSUSE: one file, Packages.db.
 */
#ifndef FEMTOSNITCH_HASHER_RPMDB_NDB_H
#define FEMTOSNITCH_HASHER_RPMDB_NDB_H

#include "hasher/rpmdb/match.h"

/* 0 or -errno: -EINVAL if fd is no such file. May look at each package there is. */
int ndb_match(int fd, struct matches *);

#endif
