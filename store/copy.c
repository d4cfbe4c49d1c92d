// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * copy.c - see copy.h.
 */
#include "store/copy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/wire_check.h"

#define IMAGES_KNOWN 1024 /* digests that are there, direct-mapped: 32 KiB */

struct copy {
	struct sqlite db;
	struct history *history;
	struct history_run run;
	int64_t seq;	 /* windows up to it are there */
	int64_t version; /* PRAGMA data_version: whether somebody wrote */
	/* the batch */
	struct history_window window[COPY_WINDOWS];
	uint32_t n, at; /* windows; those before `at` were put */
	int64_t flow;	/* of the window at `at`: those up to it were put */
	unsigned char previous[CONTENT_HASH];
	unsigned char known[IMAGES_KNOWN][CONTENT_HASH];
	unsigned image_version;
	/* where rows are put */
	const struct driver *driver;
	void *link;
	bool full;
};

struct copy *copy_open(const char *state_dir, char *why, size_t size)
{
	struct copy *c = calloc(1, sizeof(*c));
	char path[PATH_MAX];

	if (!c || !(c->history = history_new(&c->db, true))) {
		snprintf(why, size, "no memory");
		free(c);
		return NULL;
	}
	if (snprintf(path, sizeof(path), "%s/" SCHEMA_FILE, state_dir) >= (int)sizeof(path) ||
	    sqlite_open_reading(&c->db, path) != 0) {
		snprintf(why, size, "%.200s: %s", path, c->db.why);
		history_free(c->history);
		free(c);
		return NULL;
	}
	return c;
}

void copy_close(struct copy *c)
{
	if (!c)
		return;
	history_free(c->history);
	sqlite_close(&c->db);
	free(c);
}

const char *copy_why(const struct copy *c)
{
	return c->db.why;
}

uint64_t copy_file(const struct copy *c)
{
	return c->db.ino;
}

bool copy_is_stale(struct copy *c)
{
	return sqlite_still_there(&c->db) != 0;
}

static void previous_hash(struct copy *c)
{
	static const char sql[] = "SELECT hash FROM chain WHERE seq = ?1";
	sqlite3_stmt *stmt = sqlite_statement(&c->db, sql);

	memset(c->previous, 0, sizeof(c->previous));
	sqlite3_bind_int64(stmt, 1, c->seq);
	if (sqlite_step(&c->db, stmt) != 1)
		return;
	if (sqlite3_column_bytes(stmt, 0) == CONTENT_HASH)
		memcpy(c->previous, sqlite3_column_blob(stmt, 0), CONTENT_HASH);
	sqlite3_reset(stmt);
}

void copy_from(struct copy *c, int64_t seq)
{
	c->seq = seq;
	c->n = c->at = 0;
	c->run.id = 0;
	memset(c->known, 0, sizeof(c->known));
	history_forget(c->history);
	previous_hash(c);
}

/* ---- reading, in a transaction of its own each time */

static int begin(struct copy *c)
{
	int rc = sqlite_exec(&c->db, "BEGIN");
	int64_t version;

	if (rc != 0)
		return rc;
	version = sqlite_number(&c->db, "PRAGMA data_version", 0);
	if (version != c->version)
		history_forget(c->history);
	c->version = version;
	return 0;
}

static int end(struct copy *c, int rc)
{
	int ended = sqlite_exec(&c->db, "COMMIT");

	return rc < 0 ? rc : ended < 0 ? ended : rc;
}

static int choose(struct copy *c, uint32_t max, struct copy_batch *batch)
{
	struct history_window *w = &c->window[0];
	int64_t seq = c->seq;
	int rc = 0;

	while (c->n < max && (batch->flows < COPY_FLOWS) && (rc = history_next(c->history, seq, w)) == 1) {
		if (c->n == 0 && w->run != c->run.id && (rc = history_run(c->history, w->run, &c->run)) != 0)
			return rc;
		if (w->run != c->run.id)
			return 0; /* another log: a batch of its own */
		seq = w->seq;
		batch->flows += (uint64_t)w->flows;
		batch->last = w->seq;
		w = &c->window[++c->n];
	}
	return rc < 0 ? rc : 0;
}

int copy_plan(struct copy *c, bool single, struct copy_batch *batch)
{
	int rc = begin(c);

	if (rc != 0)
		return rc;
	memset(batch, 0, sizeof(*batch));
	c->n = c->at = 0;
	rc = end(c, choose(c, single ? 1 : COPY_WINDOWS, batch));
	batch->windows = c->n;
	batch->log = &c->run;
	c->flow = c->window[0].first - 1;
	return rc < 0 ? rc : c->n > 0;
}

/* ---- rows */

static struct content_value a_number(int64_t number)
{
	return (struct content_value){.number = number, .is_number = true};
}

static struct content_value a_text(const void *text, size_t len)
{
	return (struct content_value){.text = text, .len = len};
}

void copy_windows(struct copy *c, const struct driver *d, void *link)
{
	const unsigned char *previous = c->previous;
	uint32_t i;

	for (i = 0; i < c->n; i++) {
		const struct history_window *w = &c->window[i];
		const struct content_value row[] = {
			a_number(w->seq),
			a_number(w->time_s),
			a_number(c->run.version),
			a_number(w->first),
			a_number(w->flows),
			a_number(w->late),
			a_text(previous, CONTENT_HASH),
			a_text(w->hash, CONTENT_HASH),
			a_number(w->losses),
		};

		(void)d->put(link, LAYOUT_WINDOW, row);
		previous = w->hash;
	}
}

static int put(struct copy *c, enum layout_name name, const struct content_value *row)
{
	c->full |= c->driver->put(c->link, name, row);
	return 0;
}

static int put_image(void *arg, const struct history_image *image)
{
	struct copy *c = arg;
	unsigned char *known = c->known[(image->digest[0] | image->digest[1] << 8) % IMAGES_KNOWN];
	struct content_value row[COLUMNS_N_IMAGE + 3];

	if (memcmp(known, image->digest, CONTENT_HASH) == 0)
		return 0;
	memcpy(known, image->digest, CONTENT_HASH);
	row[0] = a_text(image->digest, CONTENT_HASH);
	row[1] = a_number(c->image_version);
	row[2] = a_text(image->pending, image->pending ? strlen(image->pending) : 0);
	memcpy(row + 3, image->values, COLUMNS_N_IMAGE * sizeof(*row));
	return put(c, LAYOUT_IMAGE, row);
}

/* 1: no more room. */
static int put_flow(void *arg, const struct history_flow *f)
{
	struct content_value row[COLUMNS_N_FLOW + 2];
	struct copy *c = arg;

	row[0] = a_number(f->id);
	row[1] = a_text(f->image, CONTENT_HASH);
	memcpy(row + 2, f->values, COLUMNS_N_FLOW * sizeof(*row));
	(void)put(c, LAYOUT_FLOW, row);
	c->flow = f->id;
	return c->full;
}

static int put_late(struct copy *c, const struct history_window *w)
{
	static const char sql[] = "SELECT image, run, was, now FROM late WHERE window = ?1 ORDER BY was";
	sqlite3_stmt *stmt = sqlite_statement(&c->db, sql);
	unsigned char digest[CONTENT_HASH];
	struct history_run run;
	int rc;

	sqlite3_bind_int64(stmt, 1, w->seq);
	while ((rc = sqlite_step(&c->db, stmt)) == 1) {
		if (sqlite3_column_bytes(stmt, 2) != CONTENT_HASH ||
		    sqlite3_column_bytes(stmt, 3) != CONTENT_HASH)
			continue;
		/* what it is now must be known there; the image itself may be gone from here */
		if (history_run(c->history, sqlite3_column_int64(stmt, 1), &run) == 0) {
			c->image_version = run.version;
			rc = history_image(c->history, &run, sqlite3_column_int64(stmt, 0), 0, put_image, c,
					   digest);
			if (rc < 0)
				break;
		}
		(void)put(c, LAYOUT_LATE,
			  (struct content_value[]){
				  a_number(w->seq),
				  a_text(sqlite3_column_blob(stmt, 2), CONTENT_HASH),
				  a_text(sqlite3_column_blob(stmt, 3), CONTENT_HASH),
			  });
	}
	sqlite3_reset(stmt);
	return rc;
}

static int put_loss(void *arg, int64_t n, const struct content_value *values)
{
	struct content_value row[COLUMNS_N_LOSS + 2];
	struct copy *c = arg;

	row[0] = a_number(c->window[c->at].seq);
	row[1] = a_number(n);
	memcpy(row + 2, values, COLUMNS_N_LOSS * sizeof(*row));
	return put(c, LAYOUT_LOSS, row);
}

/* 1: no more room, 0: the window is done. */
static int put_window(struct copy *c, const struct history_window *w)
{
	int64_t last = w->first + w->flows - 1;
	int rc = 0;

	c->image_version = c->run.version;
	if (c->flow < last)
		rc = history_flows(c->history, &c->run, c->flow + 1, last, put_image, put_flow, c);
	if (rc != 0 || (rc = put_late(c, w)) != 0 || w->losses == 0)
		return rc;
	return history_losses(c->history, w->seq, put_loss, c);
}

int copy_rows(struct copy *c, const struct driver *d, void *link)
{
	int rc = begin(c);

	if (rc != 0)
		return rc;
	c->driver = d;
	c->link = link;
	c->full = false;
	while (c->at < c->n && !c->full && (rc = put_window(c, &c->window[c->at])) == 0)
		if (++c->at < c->n)
			c->flow = c->window[c->at].first - 1;
	rc = end(c, rc);
	return rc < 0 ? rc : c->at < c->n;
}

void copy_done(struct copy *c)
{
	if (c->n == 0)
		return;
	memcpy(c->previous, c->window[c->n - 1].hash, CONTENT_HASH);
	c->seq = c->window[c->n - 1].seq;
	c->n = c->at = 0;
}

/* ---- how far */

int copy_behind(struct copy *c, int64_t seq, int64_t now_s, uint64_t *flows, uint64_t *seconds)
{
	static const char sql[] = "SELECT total(flows), min(time) FROM chain WHERE seq > ?1";
	sqlite3_stmt *stmt = sqlite_statement(&c->db, sql);
	int64_t oldest;
	int rc;

	*flows = *seconds = 0;
	sqlite3_bind_int64(stmt, 1, seq);
	if ((rc = sqlite_step(&c->db, stmt)) != 1)
		return rc;
	*flows = (uint64_t)sqlite3_column_int64(stmt, 0);
	oldest = sqlite3_column_int64(stmt, 1);
	if (oldest > 0 && now_s > oldest)
		*seconds = (uint64_t)(now_s - oldest);
	sqlite3_reset(stmt);
	return 0;
}

int64_t copy_newest(struct copy *c)
{
	return sqlite_number(&c->db, "SELECT max(seq) FROM chain", 0);
}

int64_t copy_cursor(struct copy *c, enum wire_stage sink)
{
	static const char sql[] = "SELECT seq FROM sink WHERE name = ?1";
	sqlite3_stmt *stmt = sqlite_statement(&c->db, sql);
	int64_t seq = 0;

	sqlite3_bind_text(stmt, 1, wire_stage_name(sink), -1, SQLITE_STATIC);
	if (sqlite_step(&c->db, stmt) == 1) {
		seq = sqlite3_column_int64(stmt, 0);
		sqlite3_reset(stmt);
	}
	return seq;
}
