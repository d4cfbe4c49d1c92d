/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * changes_db.h - the rows of changes.h; the inner half of changes.c.
 */
#ifndef FEMTOSNITCH_STORE_CHANGES_DB_H
#define FEMTOSNITCH_STORE_CHANGES_DB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "bpf/wire.h"
#include "store/sqlite.h"

/* What ran, or was written to. */
struct change {
	TAILQ_ENTRY(change) queue;
	uint64_t file_id;
	int64_t location;
	int64_t time_s;
	int64_t since_s;	 /* when it began to wait */
	int64_t placed_s;	 /* ctime: when the file was put where it is */
	char *exe, *container;	 /* valid UTF-8; container NULL = none. Of a modification both NULL: see
				    location */
	char *package, *version; /* NULL = none */
	char *writer;		 /* of a modification: who did it; NULL = unknown */
	char manager[16];
	uint8_t sha256[WIRE_SHA256_SIZE];
	uint32_t tgid;	   /* who did it, 0 = unknown */
	uint8_t kind;	   /* SCHEMA_CHANGE_* */
	uint8_t explained; /* enum wire_explained */
	bool told;	   /* of its package */
};

/* The number of a path (in a container: of its own). */
int64_t changes_location(const char *exe, const char *container);

/* Compare with what is known, write what is new. Begins a transaction before the first write, if *begun is
 * not set. *event: in, which one a modification belongs to, 0 = one of its own; out, which it is, if it was
 * written. 0 or -errno. */
int changes_compare(struct sqlite *, const struct change *, bool *begun, int64_t *event);

#endif
