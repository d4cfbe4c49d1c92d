/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sqlite.h - one connection to snitch.db: opening with the pragmas we need, prepared statements,
 * transactions, checkpoints, and SQLite's errors as -errno. Knows nothing of the tables.
 *
 * -EBUSY: locked by another writer. -ENOSPC: the disk is full. -EROFS, -EACCES: cannot be written.
 * -EUCLEAN: the file is damaged. -ESTALE: somebody moved or replaced it. -EIO, -ENOMEM.
 */
#ifndef FEMTOSNITCH_STORE_SQLITE_H
#define FEMTOSNITCH_STORE_SQLITE_H

#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A reader never locks us out; another writer is waited for this long, and tried again later. */
#define SQLITE_BUSY_MS 500
#define SQLITE_STATEMENTS 128  /* of different SQL; all together use about 80 */
#define SQLITE_SPARE_PERCENT 5 /* of the disk: not for us */

struct sqlite {
	sqlite3 *db; /* NULL = closed */
	char path[PATH_MAX];
	struct {
		const char *sql;
		sqlite3_stmt *stmt;
	} statement[SQLITE_STATEMENTS];
	dev_t dev;
	ino_t ino;
	int wal_frames; /* waiting for a checkpoint */
	char why[256];	/* what went wrong last, in words */
};

/* Open (create if missing) path for writing; the file is 0640. 0, or
 * -errno with s->why filled and s closed. */
int sqlite_open(struct sqlite *s, const char *path);

/* Open path to read only, whoever writes it meanwhile. 0, or -errno with s->why filled and s closed. */
int sqlite_open_reading(struct sqlite *s, const char *path);

/* Ready to write: WAL, synchronous=FULL, kept -wal and -shm. After the version was checked. 0 or -errno. */
int sqlite_prepare_writing(struct sqlite *s);
void sqlite_close(struct sqlite *s); /* of a zeroed, closed or open one */

/* 0, or -ESTALE: path is another file now, or none, while we hold this one open: what is written to it,
 * nobody would ever see. */
int sqlite_still_there(struct sqlite *s);

/* The prepared statement of sql, which must be a string that stays where it is; compiled once.
 * NULL: error. */
sqlite3_stmt *sqlite_statement(struct sqlite *s, const char *sql);

/* 1: a row (call sqlite3_reset() when done with it), 0: finished and reset, -errno: failed and reset. */
int sqlite_step(struct sqlite *s, sqlite3_stmt *);

/* As sqlite_step() for a statement that gives no rows; also takes NULL for the failure it is. */
int sqlite_run(struct sqlite *s, sqlite3_stmt *);
int sqlite_exec(struct sqlite *s, const char *sql); /* 0 or -errno */

/* sqlite_run() of the prepared statement of sql, with ?1 and ?2. */
int sqlite_run2(struct sqlite *s, const char *sql, int64_t first, int64_t second);

/* The first column of the first row, fallback if there is none or it fails. */
int64_t sqlite_number(struct sqlite *s, const char *sql, int64_t fallback);

int sqlite_begin(struct sqlite *s);  /* -ENOSPC also when less than the spare part of the disk is free */
int sqlite_commit(struct sqlite *s); /* a failure was rolled back */
void sqlite_rollback(struct sqlite *s);

int sqlite_checkpoint(struct sqlite *s);     /* as much as readers allow, without waiting; 0 or -errno */
int64_t sqlite_size_bytes(struct sqlite *s); /* pages in use */
void sqlite_trim(struct sqlite *s);	     /* give cache memory back */

/* Rename path, -wal and -shm to PATH.corrupt-TIME; the new name is left in to. 0 or -errno. */
int sqlite_move_aside(const char *path, int64_t now_s, char to[PATH_MAX]);

#endif
