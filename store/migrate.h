/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * migrate.h - brings snitch.db to the schema of this program: creates it, migrates an older one in a single
 * transaction with a copy kept, leaves a newer or foreign one untouched.
 */
#ifndef FEMTOSNITCH_STORE_MIGRATE_H
#define FEMTOSNITCH_STORE_MIGRATE_H

#include <stddef.h>

#include "store/sqlite.h"

/* SQL that leads from version `from` to from + 1. */
struct migrate_step {
	int from;
	const char *sql;
};

extern const struct migrate_step migrate_steps[];
extern const size_t migrate_n_steps;

/* 0; -ENOTSUP: newer than `version`, or not ours: nothing was touched, s->why says which; else -errno.
 * The copy of version N is PATH.vN.bak. */
int migrate_run(struct sqlite *s, const struct migrate_step *steps, size_t n, int version);

/* Damage that is cheap to find: the whole file when it is small, else the tables all else depends on. 0,
 * -EUCLEAN or another -errno. */
int migrate_check(struct sqlite *s);

#endif
