/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * foreign.h - a file that somebody else wrote, perhaps to harm: opened with the rights of whoever asked, so
 * that it may lie in a home directory; looked at when there are none left. It is never written to, no link is
 * followed, and SQLite gets a copy-on-write mapping of it instead of its name: nothing is created beside it.
 */
#ifndef FEMTOSNITCH_STORE_IMPORT_FOREIGN_H
#define FEMTOSNITCH_STORE_IMPORT_FOREIGN_H

#include <limits.h>
#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#define FOREIGN_TEXT_MAX (16u << 20) /* of a file that is not a database */

enum foreign_kind {
	FOREIGN_DATABASE,
	FOREIGN_JSON,
	FOREIGN_TOML
};

struct foreign {
	char path[PATH_MAX];
	enum foreign_kind kind; /* by its first bytes */
	char *bytes;		/* mapped, private */
	size_t size;
	int64_t modified_s;
};

/* 0, or -errno after a message. */
int foreign_open(struct foreign *, const char *path);
void foreign_close(struct foreign *); /* of a zeroed one too */

/* A connection that reads the database and can do nothing else; the file must outlive it. NULL after a
 * message.
 */
sqlite3 *foreign_database(struct foreign *);

#endif
