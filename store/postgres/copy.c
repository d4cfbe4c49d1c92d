// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * copy.c - see copy.h.
 */
#include "store/postgres/copy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMAGES_KNOWN 1024 /* digests that are there, direct-mapped: 32 KiB */

struct copy {
	struct sqlite db;
	struct history *history;
	struct history_run run;
	struct copy_mark mark;
	struct history_window window; /* being sent, if open */
	bool open;
	unsigned char previous[CONTENT_HASH]; /* hash of the window before it */
	int64_t version;		      /* PRAGMA data_version: whether somebody wrote */
	unsigned char known[IMAGES_KNOWN][CONTENT_HASH];
	struct link_batch batch;
	size_t bytes;
	unsigned image_version;
	int64_t last; /* flow that was added last */
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
	int i;
	size_t j;

	if (!c)
		return;
	for (i = 0; i < LAYOUT__MAX; i++)
		for (j = 0; j < LAYOUT_COLUMNS_MAX; j++)
			array_free(&c->batch.rows[i].column[j]);
	history_free(c->history);
	sqlite_close(&c->db);
	free(c);
}

const char *copy_why(const struct copy *c)
{
	return c->db.why;
}

static void previous_hash(struct copy *c)
{
	static const char sql[] = "SELECT hash FROM chain WHERE seq = ?1";
	sqlite3_stmt *stmt = sqlite_statement(&c->db, sql);

	memset(c->previous, 0, sizeof(c->previous));
	sqlite3_bind_int64(stmt, 1, c->mark.seq);
	if (sqlite_step(&c->db, stmt) != 1)
		return;
	if (sqlite3_column_bytes(stmt, 0) == CONTENT_HASH)
		memcpy(c->previous, sqlite3_column_blob(stmt, 0), CONTENT_HASH);
	sqlite3_reset(stmt);
}

void copy_from(struct copy *c, int64_t seq)
{
	c->mark.seq = seq;
	c->mark.flow = 0;
	c->open = false;
	c->run.id = 0;
	memset(c->known, 0, sizeof(c->known));
	history_forget(c->history);
	previous_hash(c);
}

/* ---- rows */

static struct array *at(struct copy *c, enum layout_name name, size_t column)
{
	return &c->batch.rows[name].column[column];
}

static void begin(struct copy *c)
{
	enum layout_name name;
	size_t i;

	for (name = 0; name < LAYOUT__MAX; name++) {
		const struct layout *l = layout(name);

		c->batch.rows[name].n = 0;
		for (i = l->constants; i < l->n; i++)
			array_begin(at(c, name, i), strcmp(l->columns[i].type, "bytea") == 0  ? ARRAY_BYTEA
						    : strcmp(l->columns[i].type, "text") == 0 ? ARRAY_TEXT
											      : ARRAY_INT8);
	}
	c->bytes = 0;
}

static void add_values(struct copy *c, enum layout_name name, size_t column, const struct content_value *v,
		       size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		struct array *a = at(c, name, column + i);

		if (v[i].is_number)
			array_number(a, v[i].number);
		else if (v[i].text)
			array_bytes(a, v[i].text, v[i].len);
		else
			array_null(a);
		c->bytes += v[i].len;
	}
}

static int add_image(void *arg, const struct history_image *image)
{
	struct copy *c = arg;
	unsigned char *known = c->known[(image->digest[0] | image->digest[1] << 8) % IMAGES_KNOWN];

	if (memcmp(known, image->digest, CONTENT_HASH) == 0)
		return 0;
	memcpy(known, image->digest, CONTENT_HASH);
	array_bytes(at(c, LAYOUT_IMAGE, 1), image->digest, CONTENT_HASH);
	array_number(at(c, LAYOUT_IMAGE, 2), c->image_version);
	if (image->pending)
		array_bytes(at(c, LAYOUT_IMAGE, 3), image->pending, strlen(image->pending));
	else
		array_null(at(c, LAYOUT_IMAGE, 3));
	add_values(c, LAYOUT_IMAGE, 4, image->values, COLUMNS_N_IMAGE);
	c->batch.rows[LAYOUT_IMAGE].n++;
	return 0;
}

/* 1: no more room. */
static int add_flow(void *arg, const struct history_flow *f)
{
	struct copy *c = arg;

	array_number(at(c, LAYOUT_FLOW, 3), f->id);
	array_bytes(at(c, LAYOUT_FLOW, 4), f->image, CONTENT_HASH);
	add_values(c, LAYOUT_FLOW, 5, f->values, COLUMNS_N_FLOW);
	c->last = f->id;
	return ++c->batch.rows[LAYOUT_FLOW].n >= COPY_FLOWS || c->bytes >= COPY_BYTES;
}

static int add_late(struct copy *c)
{
	static const char sql[] = "SELECT image, run, was, now FROM late WHERE window = ?1 ORDER BY was";
	sqlite3_stmt *stmt = sqlite_statement(&c->db, sql);
	unsigned char digest[CONTENT_HASH];
	struct history_run run;
	int rc;

	sqlite3_bind_int64(stmt, 1, c->window.seq);
	while ((rc = sqlite_step(&c->db, stmt)) == 1) {
		if (sqlite3_column_bytes(stmt, 2) != CONTENT_HASH ||
		    sqlite3_column_bytes(stmt, 3) != CONTENT_HASH)
			continue;
		/* what it is now must be known there; the image itself may be gone from here */
		if (history_run(c->history, sqlite3_column_int64(stmt, 1), &run) == 0) {
			c->image_version = run.version;
			rc = history_image(c->history, &run, sqlite3_column_int64(stmt, 0), 0, add_image, c,
					   digest);
			if (rc < 0)
				break;
		}
		array_number(at(c, LAYOUT_LATE, 2), c->window.seq);
		array_bytes(at(c, LAYOUT_LATE, 3), sqlite3_column_blob(stmt, 2), CONTENT_HASH);
		array_bytes(at(c, LAYOUT_LATE, 4), sqlite3_column_blob(stmt, 3), CONTENT_HASH);
		c->batch.rows[LAYOUT_LATE].n++;
	}
	sqlite3_reset(stmt);
	return rc;
}

static void add_window(struct copy *c)
{
	const struct history_window *w = &c->window;
	const int64_t numbers[] = {w->seq, w->time_s, c->run.version, w->first, w->flows, w->late};
	size_t i;

	for (i = 0; i < 6; i++)
		array_number(at(c, LAYOUT_WINDOW, 3 + i), numbers[i]);
	array_bytes(at(c, LAYOUT_WINDOW, 9), c->previous, CONTENT_HASH);
	array_bytes(at(c, LAYOUT_WINDOW, 10), w->hash, CONTENT_HASH);
	c->batch.rows[LAYOUT_WINDOW].n++;
	memcpy(c->previous, w->hash, CONTENT_HASH);
	c->mark.seq = w->seq;
	c->mark.flow = 0;
	c->open = false;
}

/* ---- a batch */

static void uuid(char text[37], const unsigned char id[CONTENT_ID])
{
	int i;

	for (i = 0; i < CONTENT_ID; i++)
		text += sprintf(text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", id[i]);
}

/* 1: there is one and it belongs to this batch, 0: not. */
static int open_window(struct copy *c, bool first)
{
	int rc;

	if (!c->open) {
		if ((rc = history_next(c->history, c->mark.seq, &c->window)) != 1)
			return rc;
		c->open = true;
		c->mark.flow = c->window.first - 1;
	}
	if (c->window.run == c->run.id)
		return 1;
	if (!first)
		return 0; /* another log: a batch of its own */
	if ((rc = history_run(c->history, c->window.run, &c->run)) != 0)
		return rc;
	uuid(c->batch.host_id, c->run.host);
	uuid(c->batch.log_id, c->run.log);
	snprintf(c->batch.host, sizeof(c->batch.host), "%s", c->run.hostname);
	return 1;
}

/* 1: the batch is full, 0: the window is done. */
static int fill_from_window(struct copy *c)
{
	int64_t end = c->window.first + c->window.flows - 1;
	int rc = 0;

	if (c->mark.flow < end) {
		c->last = end;
		c->image_version = c->run.version;
		rc = history_flows(c->history, &c->run, c->mark.flow + 1, end, add_image, add_flow, c);
		if (rc < 0)
			return rc;
		c->mark.flow = rc == 1 ? c->last : end;
		if (c->mark.flow < end)
			return 1;
	}
	if ((rc = add_late(c)) < 0)
		return rc;
	add_window(c);
	return c->batch.rows[LAYOUT_FLOW].n >= COPY_FLOWS || c->bytes >= COPY_BYTES ||
	       c->batch.rows[LAYOUT_WINDOW].n >= COPY_WINDOWS;
}

static int fill(struct copy *c)
{
	int64_t version = sqlite_number(&c->db, "PRAGMA data_version", 0);
	bool first = true;
	int rc;

	if (version != c->version)
		history_forget(c->history);
	c->version = version;
	begin(c);
	while ((rc = open_window(c, first)) == 1) {
		first = false;
		if ((rc = fill_from_window(c)) != 0)
			break;
	}
	return rc < 0 ? rc : !first;
}

int copy_next(struct copy *c, const struct link_batch **batch, struct copy_mark *to)
{
	int rc = sqlite_exec(&c->db, "BEGIN"), end;

	if (rc != 0)
		return rc;
	rc = fill(c);
	end = sqlite_exec(&c->db, "COMMIT");
	*batch = &c->batch;
	*to = c->mark;
	return rc < 0 ? rc : end < 0 ? end : rc;
}

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

int64_t copy_cursor(struct copy *c)
{
	return sqlite_number(&c->db, "SELECT seq FROM sink WHERE name = 'postgres'", 0);
}

uint64_t copy_file(const struct copy *c)
{
	return c->db.ino;
}

bool copy_is_stale(struct copy *c)
{
	return sqlite_still_there(&c->db) != 0;
}

int64_t copy_newest(struct copy *c)
{
	return sqlite_number(&c->db, "SELECT max(seq) FROM chain", 0);
}
