// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * history.c - see history.h.
 */
#include "store/history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_SIZE 256 /* images, 64 bytes each */

struct known {
	int64_t image, run;
	int64_t from, until; /* ids of flows it is true for; until 0: empty */
	unsigned char digest[CONTENT_HASH];
};

struct history {
	struct sqlite *db;
	bool all;
	struct content_value image_values[COLUMNS_N_IMAGE], flow_values[COLUMNS_N_FLOW];
	char pending[HISTORY_PENDING_SIZE];
	struct known known[CACHE_SIZE]; /* direct-mapped */
};

struct history *history_new(struct sqlite *db, bool all)
{
	struct history *h = calloc(1, sizeof(*h));

	if (h) {
		h->db = db;
		h->all = all;
	}
	return h;
}

void history_free(struct history *h)
{
	free(h);
}

void history_forget(struct history *h)
{
	memset(h->known, 0, sizeof(h->known));
}

static void read_values(sqlite3_stmt *stmt, int at, const struct column *columns, size_t n,
			struct content_value *values)
{
	size_t i;

	for (i = 0; i < n; i++, at++) {
		struct content_value *v = &values[i];

		memset(v, 0, sizeof(*v));
		if (sqlite3_column_type(stmt, at) == SQLITE_NULL)
			continue;
		v->is_number = !content_is_text(&columns[i]);
		if (v->is_number) {
			v->number = sqlite3_column_int64(stmt, at);
		} else {
			v->text = (const char *)sqlite3_column_text(stmt, at);
			v->len = (size_t)sqlite3_column_bytes(stmt, at);
		}
	}
}

static void read_blob(sqlite3_stmt *stmt, int at, unsigned char *to, size_t size)
{
	size_t len = (size_t)sqlite3_column_bytes(stmt, at);

	memset(to, 0, size);
	if (len > 0)
		memcpy(to, sqlite3_column_blob(stmt, at), len < size ? len : size);
}

int history_next(struct history *h, int64_t seq, struct history_window *w)
{
	static const char sql[] = "SELECT seq, run, time, first, flows, late, anchor, hash, losses FROM chain"
				  " WHERE seq > ?1 ORDER BY seq LIMIT 1";
	sqlite3_stmt *stmt = sqlite_statement(h->db, sql);
	int rc;

	sqlite3_bind_int64(stmt, 1, seq);
	if ((rc = sqlite_step(h->db, stmt)) != 1)
		return rc;
	w->seq = sqlite3_column_int64(stmt, 0);
	w->run = sqlite3_column_int64(stmt, 1);
	w->time_s = sqlite3_column_int64(stmt, 2);
	w->first = sqlite3_column_int64(stmt, 3);
	w->flows = sqlite3_column_int64(stmt, 4);
	w->late = sqlite3_column_int64(stmt, 5);
	w->anchor = sqlite3_column_int(stmt, 6);
	read_blob(stmt, 7, w->hash, sizeof(w->hash));
	w->losses = sqlite3_column_int64(stmt, 8);
	sqlite3_reset(stmt);
	return 1;
}

int history_run(struct history *h, int64_t id, struct history_run *run)
{
	static const char sql[] = "SELECT version, host, log, hostname FROM run WHERE id = ?1";
	sqlite3_stmt *stmt = sqlite_statement(h->db, sql);
	int rc;

	sqlite3_bind_int64(stmt, 1, id);
	if ((rc = sqlite_step(h->db, stmt)) != 1)
		return rc == 0 ? -ENOENT : rc;
	run->id = id;
	run->version = (unsigned)sqlite3_column_int(stmt, 0);
	read_blob(stmt, 1, run->host, sizeof(run->host));
	read_blob(stmt, 2, run->log, sizeof(run->log));
	snprintf(run->hostname, sizeof(run->hostname), "%s",
		 (const char *)sqlite3_column_text(stmt, 3) ?: "");
	sqlite3_reset(stmt);
	return 0;
}

/* Whose hash, of which log: another file in the same place has another text. */
static void pending_text(char text[HISTORY_PENDING_SIZE], const struct history_run *run, int64_t image,
			 unsigned pending)
{
	char log[2 * CONTENT_ID + 1];
	int i;

	for (i = 0; i < CONTENT_ID; i++)
		sprintf(log + 2 * i, "%02x", run->log[i]);
	snprintf(text, HISTORY_PENDING_SIZE, "%s:%" PRId64 ":%u", log, image, pending);
}

static int ask_pending(struct history *h, int64_t image, unsigned *pending)
{
	static const char sql[] = "SELECT " COLUMNS_IMAGE_PENDING COLUMNS_IMAGE_FROM;
	sqlite3_stmt *stmt = sqlite_statement(h->db, sql);
	int rc;

	sqlite3_bind_int64(stmt, 1, image);
	if ((rc = sqlite_step(h->db, stmt)) != 1)
		return rc == 0 ? -EIO : rc;
	*pending = (unsigned)sqlite3_column_int(stmt, 0);
	sqlite3_reset(stmt);
	return 0;
}

/* The statement stays at its row: the caller resets it when done with the values. */
static int describe(struct history *h, const struct history_run *run, int64_t image, unsigned pending,
		    struct history_image *out, sqlite3_stmt **at)
{
	static const char sql[] = "SELECT 0" COLUMNS_IMAGE(COLUMNS_SELECT) COLUMNS_IMAGE_FROM;
	int rc = pending ? 0 : ask_pending(h, image, &pending);
	sqlite3_stmt *stmt;

	if (rc != 0)
		return rc;
	stmt = sqlite_statement(h->db, sql);
	sqlite3_bind_int64(stmt, 1, image);
	sqlite3_bind_int64(stmt, 2, pending);
	if ((rc = sqlite_step(h->db, stmt)) != 1)
		return rc == 0 ? -EIO : rc;
	read_values(stmt, 1, columns_image, COLUMNS_N_IMAGE, h->image_values);
	out->values = h->image_values;
	out->pending = NULL;
	if (pending) {
		pending_text(h->pending, run, image, pending);
		out->pending = h->pending;
	}
	content_image(run->version, out->values, out->pending, out->digest);
	*at = stmt;
	return 0;
}

int history_image(struct history *h, const struct history_run *run, int64_t image, unsigned pending,
		  history_image_fn *fn, void *arg, unsigned char digest[CONTENT_HASH])
{
	struct history_image described;
	sqlite3_stmt *stmt;
	int rc = describe(h, run, image, pending, &described, &stmt);

	if (rc != 0)
		return rc;
	memcpy(digest, described.digest, CONTENT_HASH);
	rc = fn ? fn(arg, &described) : 0;
	sqlite3_reset(stmt);
	return rc;
}

/* Did the image wait for a hash when that flow was written? */
static int look_back(struct history *h, struct known *k, unsigned *pending)
{
	static const char sql[] = "SELECT before, pending FROM late WHERE image = ?1 AND before > ?2"
				  " ORDER BY before LIMIT 1";
	sqlite3_stmt *stmt = sqlite_statement(h->db, sql);
	int rc;

	sqlite3_bind_int64(stmt, 1, k->image);
	sqlite3_bind_int64(stmt, 2, k->from);
	rc = sqlite_step(h->db, stmt);
	k->until = INT64_MAX;
	*pending = 0;
	if (rc == 1) {
		k->until = sqlite3_column_int64(stmt, 0);
		*pending = (unsigned)sqlite3_column_int(stmt, 1);
		sqlite3_reset(stmt);
	}
	return rc < 0 ? rc : 0;
}

static int look_up(struct history *h, const struct history_run *run, int64_t image, int64_t flow,
		   history_image_fn *fn, void *arg, const unsigned char **digest)
{
	struct known *k = &h->known[(uint64_t)image % CACHE_SIZE];
	struct history_image described;
	sqlite3_stmt *stmt;
	unsigned pending;
	int rc;

	*digest = k->digest;
	if (k->until && k->image == image && k->run == run->id && flow >= k->from && flow < k->until)
		return 0;
	k->image = image;
	k->run = run->id;
	k->from = flow;
	if ((rc = look_back(h, k, &pending)) != 0 ||
	    (rc = describe(h, run, image, pending, &described, &stmt)) != 0) {
		k->until = 0;
		return rc;
	}
	memcpy(k->digest, described.digest, sizeof(k->digest));
	rc = fn ? fn(arg, &described) : 0;
	sqlite3_reset(stmt);
	if (rc != 0)
		k->until = 0; /* it is asked for again */
	return rc;
}

int history_flows(struct history *h, const struct history_run *run, int64_t first, int64_t last,
		  history_image_fn *image_fn, history_flow_fn *flow_fn, void *arg)
{
	static const char hashed[] = "SELECT f.id, f.image" COLUMNS_FLOW(COLUMNS_HASHED) COLUMNS_FLOW_FROM
		" WHERE f.id BETWEEN ?1 AND ?2 ORDER BY f.id";
	static const char all[] = "SELECT f.id, f.image" COLUMNS_FLOW(COLUMNS_SELECT) COLUMNS_FLOW_FROM
		" WHERE f.id BETWEEN ?1 AND ?2 ORDER BY f.id";
	sqlite3_stmt *stmt = sqlite_statement(h->db, h->all ? all : hashed);
	struct history_flow flow = {.values = h->flow_values};
	int rc;

	sqlite3_bind_int64(stmt, 1, first);
	sqlite3_bind_int64(stmt, 2, last);
	while ((rc = sqlite_step(h->db, stmt)) == 1) {
		flow.id = sqlite3_column_int64(stmt, 0);
		rc = look_up(h, run, sqlite3_column_int64(stmt, 1), flow.id, image_fn, arg, &flow.image);
		if (rc != 0)
			break;
		read_values(stmt, 2, columns_flow, COLUMNS_N_FLOW, h->flow_values);
		if ((rc = flow_fn(arg, &flow)) != 0)
			break;
	}
	sqlite3_reset(stmt);
	return rc;
}

int history_losses(struct history *h, int64_t seq, history_loss_fn *fn, void *arg)
{
	static const char sql[] = "SELECT l.n" COLUMNS_LOSS(COLUMNS_SELECT) COLUMNS_LOSS_FROM
		" WHERE l.window = ?1 ORDER BY l.n";
	sqlite3_stmt *stmt = sqlite_statement(h->db, sql);
	struct content_value values[COLUMNS_N_LOSS];
	int rc;

	sqlite3_bind_int64(stmt, 1, seq);
	while ((rc = sqlite_step(h->db, stmt)) == 1) {
		read_values(stmt, 1, columns_loss, COLUMNS_N_LOSS, values);
		if ((rc = fn(arg, sqlite3_column_int64(stmt, 0), values)) != 0)
			break;
	}
	sqlite3_reset(stmt);
	return rc;
}
