// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * keep_db.c - see keep_db.h.
 */
#include "store/keep_db.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/log.h"
#include "store/chain.h"
#include "store/migrate.h"
#include "store/schema.h"

#define NS UINT64_C(1000000000)

static void db_path(const struct keep *k, char path[PATH_MAX])
{
	if (snprintf(path, PATH_MAX, "%s/" SCHEMA_FILE, k->stage->state_dir) >= PATH_MAX)
		fatalx("%s: path too long", k->stage->state_dir);
}

/* To the user: log, error.log, and down the tail. */
__attribute__((format(printf, 2, 3))) static void say(struct keep *k, const char *fmt, ...)
{
	char text[WIRE_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_warnx("%s", text);
	textlog_message(&k->error_log, stage_now(), "store", text, strlen(text));
	(void)stage_error(k->stage, "%s", text);
	tell_message(k->tell, SCHEMA_KIND_ERROR, (int64_t)(stage_now() / NS), text, strlen(text));
}

static int try_open(struct keep *k)
{
	char path[PATH_MAX];
	int rc;

	db_path(k, path);
	if ((rc = sqlite_open(&k->db, path)) != 0)
		return rc;
	if ((rc = migrate_run(&k->db, migrate_steps, migrate_n_steps, SCHEMA_VERSION)) != 0 ||
	    (rc = migrate_check(&k->db)) != 0) {
		sqlite_close(&k->db);
		return rc;
	}
	/* What waited for its hash when we were killed will not get it. */
	if ((rc = chain_late_all(&k->db)) == 0)
		rc = sqlite_exec(&k->db, "UPDATE program SET hash_error = 8 WHERE hash_error = 1");
	if (rc != 0)
		sqlite_close(&k->db);
	return rc;
}

/* 0: a new one can be begun. */
static int move_aside(struct keep *k)
{
	char path[PATH_MAX], to[PATH_MAX], why[sizeof(k->db.why)];
	int rc;

	db_path(k, path);
	memcpy(why, k->db.why, sizeof(why));
	sqlite_close(&k->db);
	if ((rc = sqlite_move_aside(path, (int64_t)(stage_now() / NS), to)) != 0)
		return rc;
	say(k,
	    "%s is damaged (%s): it was moved to %s and a new one begun; `sqlite3 %s .recover` shows what is "
	    "left",
	    path, why, to, to);
	intake_loss(&k->in, WIRE_LOSS_STORE, stage_now(), 0, 0, 0,
		    "snitch.db was damaged and moved aside: earlier rows are there");
	return 0;
}

static int open_or_replace(struct keep *k)
{
	int rc = try_open(k);

	if (rc == -EUCLEAN && move_aside(k) == 0)
		rc = try_open(k);
	if (rc == 0) {
		writer_begin(k->writer);
		copied_begin(&k->copied, &k->db);
		tell_look(k->tell, &k->db);
		k->coverage.waits = true; /* this file was not told */
	}
	return rc;
}

void keep_db_first(struct keep *k)
{
	static const char started[] =
		"INSERT INTO meta(key, value) VALUES('started', CAST(strftime('%s', 'now') AS INTEGER))"
		" ON CONFLICT(key) DO UPDATE SET value = excluded.value";
	wire_ns beat = heartbeat_read(&k->heartbeat);
	int rc = open_or_replace(k);
	char path[PATH_MAX];

	k->gap_from = beat;
	if (rc == -ENOTSUP) {
		db_path(k, path);
		log_warnx("%s: %s", path, k->db.why);
		exit(2);
	}
	if (rc != 0) {
		keep_db_trouble(k, rc);
		return;
	}
	(void)sqlite_exec(&k->db, started); /* only told to whoever asks an empty log */
	beat = (wire_ns)sqlite_number(&k->db, "SELECT value FROM meta WHERE key = 'window_to'", 0);
	if (beat > k->gap_from)
		k->gap_from = beat;
}

int keep_db_works(const struct keep *k, char *why, size_t size)
{
	if (k->trouble)
		snprintf(why, size, "NOT PROVEN: snitch.db cannot be written (%s): rows wait in memory",
			 k->db.why);
	else
		snprintf(why, size, "snitch.db, schema %d, SQLite %s", SCHEMA_VERSION, sqlite3_libversion());
	return k->trouble == 0;
}

int keep_db_reopen(struct keep *k)
{
	int rc;

	if (keep_now_ms() < k->retry_ms)
		return k->trouble;
	rc = open_or_replace(k);
	return rc != 0 ? keep_db_trouble(k, rc) : 0;
}

void keep_db_well(struct keep *k)
{
	char path[PATH_MAX];

	if (k->trouble == 0)
		return;
	db_path(k, path);
	k->trouble = 0;
	k->retry_ms = 0;
	say(k, "%s is written again", path);
}

static const char *meaning(int rc)
{
	switch (rc) {
	case -EBUSY:
		return "another program keeps it locked";
	case -ENOSPC:
		return "the disk is full";
	case -EROFS:
		return "it is read-only";
	case -EACCES:
		return "no permission";
	case -EUCLEAN:
		return "it is damaged and cannot be moved aside";
	case -ENOTSUP:
		return "it was replaced by one that is not ours";
	default:
		return strerror(-rc);
	}
}

int keep_db_trouble(struct keep *k, int rc)
{
	char path[PATH_MAX];

	db_path(k, path);
	if (rc == -EUCLEAN && move_aside(k) == 0) {
		k->retry_ms = 0;
		return rc;
	}
	if (rc == -ESTALE) {
		sqlite_close(&k->db);
		say(k, "%s was moved or removed while in use: a new one is begun", path);
		intake_loss(&k->in, WIRE_LOSS_STORE, stage_now(), 0, 0, 0,
			    "snitch.db was moved or removed while in use");
		k->retry_ms = 0;
		return rc;
	}
	if (k->trouble != rc)
		say(k, "%s cannot be written: %s (%s); rows wait in memory, up to %d", path, meaning(rc),
		    k->db.why, BATCH_MAX);
	k->trouble = rc;
	k->retry_ms = keep_now_ms() + KEEP_RETRY_S * 1000;
	if (rc == -EROFS || rc == -EACCES || rc == -EIO)
		sqlite_close(&k->db); /* what made it so was found out at open */
	return rc;
}
