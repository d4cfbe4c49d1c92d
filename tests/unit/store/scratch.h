/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scratch.h - an empty snitch.db in a directory of its own, for tests of modules that write to one.
 */
#ifndef FEMTOSNITCH_TESTS_SCRATCH_H
#define FEMTOSNITCH_TESTS_SCRATCH_H

#include "store/migrate.h"
#include "store/schema.h"
#include "tests/unit/store/feed.h"

struct scratch {
	char dir[PATH_MAX];
	struct sqlite db;
};

static inline void scratch_open_as(struct scratch *s, const struct migrate_step *steps, int version)
{
	char path[PATH_MAX + 16];

	feed_tmpdir(s->dir);
	snprintf(path, sizeof(path), "%s/snitch.db", s->dir);
	if (sqlite_open(&s->db, path) != 0 || migrate_run(&s->db, steps, (size_t)version, version) != 0)
		feed_die("%s", s->db.why);
}

static inline void scratch_open(struct scratch *s)
{
	scratch_open_as(s, migrate_steps, SCHEMA_VERSION);
}

static inline void scratch_close(struct scratch *s)
{
	sqlite_close(&s->db);
	feed_rmdir(s->dir);
}

static inline const char *scratch_ask(const struct scratch *s, const char *sql)
{
	return feed_ask_file(s->db.path, sql);
}

static inline void scratch_run(struct scratch *s, const char *sql)
{
	if (sqlite_exec(&s->db, sql) != 0)
		feed_die("%s: %s", sql, s->db.why);
}

#endif
