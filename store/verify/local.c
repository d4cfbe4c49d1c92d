// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * local.c - see local.h. The check goes on behind what is broken with the hash that stands there, so that one
 * edit is one complaint; only the first is named in full, the others are counted.
 */
#include "store/verify/local.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct check {
	struct sqlite *db;
	struct history *history;
	struct history_run run;
	struct local_seen *seen;
	local_window_fn *fn;
	void *arg;
	struct content content;
	unsigned char previous[CONTENT_HASH];
	int64_t next_seq, next_flow; /* what the next window must have; 0: nothing is known before it */
	int64_t flows, losses;	     /* found of the window being read */
	unsigned broken;
};

__attribute__((format(printf, 3, 4))) static void broken(struct check *c, const struct history_window *w,
							 const char *fmt, ...)
{
	char when[32] = "";
	time_t t = w ? (time_t)w->time_s : 0;
	struct tm tm;
	va_list ap;

	if (c->broken++ > 0)
		return;
	printf("local: broken: ");
	if (w) {
		if (gmtime_r(&t, &tm))
			strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
		printf("window %" PRId64 " of %s: ", w->seq, when);
	}
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

static int add_flow(void *arg, const struct history_flow *f)
{
	struct check *c = arg;

	c->flows++;
	content_flow(&c->content, c->run.version, f->id, f->values, f->image);
	return 0;
}

static int add_loss(void *arg, int64_t n, const struct content_value *values)
{
	struct check *c = arg;

	c->losses++;
	content_loss(&c->content, c->run.version, n, values);
	return 0;
}

/* Is the image still what was told then? One that retention has removed cannot be asked. 1 yes, 0 no. */
static int is_true(struct check *c, const int64_t row[3], const struct content_late *late)
{
	static const char there[] = "SELECT 1 FROM image WHERE id = ?1";
	sqlite3_stmt *stmt = sqlite_statement(c->db, there);
	struct content_late again;
	struct history_run run;
	int rc;

	sqlite3_bind_int64(stmt, 1, row[0]);
	if ((rc = sqlite_step(c->db, stmt)) != 1)
		return rc < 0 ? rc : 1;
	sqlite3_reset(stmt);
	if ((rc = history_run(c->history, row[1], &run)) != 0)
		return rc == -ENOENT ? 0 : rc;
	if ((rc = history_image(c->history, &run, row[0], (unsigned)row[2], NULL, NULL, again.before)) != 0 ||
	    (rc = history_image(c->history, &run, row[0], 0, NULL, NULL, again.now)) != 0)
		return rc;
	return memcmp(&again, late, sizeof(again)) == 0;
}

/* The rows of late that it tells; *found: how many of them are true. */
static int add_late(struct check *c, const struct history_window *w, int64_t *found)
{
	static const char sql[] =
		"SELECT was, now, image, run, pending FROM late WHERE window = ?1 ORDER BY was, now";
	sqlite3_stmt *stmt = sqlite_statement(c->db, sql);
	struct content_late late;
	int64_t row[3];
	int rc, i;

	sqlite3_bind_int64(stmt, 1, w->seq);
	while ((rc = sqlite_step(c->db, stmt)) == 1) {
		if (sqlite3_column_bytes(stmt, 0) != CONTENT_HASH ||
		    sqlite3_column_bytes(stmt, 1) != CONTENT_HASH)
			continue;
		memcpy(late.before, sqlite3_column_blob(stmt, 0), CONTENT_HASH);
		memcpy(late.now, sqlite3_column_blob(stmt, 1), CONTENT_HASH);
		for (i = 0; i < 3; i++)
			row[i] = sqlite3_column_int64(stmt, 2 + i);
		content_late(&c->content, &late);
		if ((rc = is_true(c, row, &late)) < 0)
			break;
		*found += rc;
	}
	sqlite3_reset(stmt);
	return rc;
}

static int hash(struct check *c, const struct history_window *w, int64_t *late,
		unsigned char result[CONTENT_HASH])
{
	struct content_window head = {
		.version = c->run.version,
		.seq = w->seq,
		.time_s = w->time_s,
		.first = w->first,
		.flows = w->flows,
		.late = w->late,
		.losses = w->losses,
	};
	int rc;

	memcpy(head.host, c->run.host, sizeof(head.host));
	memcpy(head.log, c->run.log, sizeof(head.log));
	memcpy(head.previous, c->previous, sizeof(head.previous));
	content_window(&c->content, &head);
	c->flows = c->losses = 0;
	*late = 0;
	rc = history_flows(c->history, &c->run, w->first, w->first + w->flows - 1, NULL, add_flow, c);
	if (rc == 0)
		rc = add_late(c, w, late);
	if (rc == 0)
		rc = history_losses(c->history, w->seq, add_loss, c);
	content_end(&c->content, result);
	return rc;
}

/* Is it the one that must follow? */
static void check_place(struct check *c, const struct history_window *w)
{
	if (c->next_seq && w->seq == c->next_seq + 1)
		broken(c, w, "the window before it was removed");
	else if (c->next_seq && w->seq != c->next_seq)
		broken(c, w, "windows %" PRId64 " to %" PRId64 " before it were removed", c->next_seq,
		       w->seq - 1);
	else if (!c->next_seq && !w->anchor && w->seq != 1)
		broken(c, w, "all windows before it were removed, and not by retention");
	else if (c->next_flow && w->first > c->next_flow)
		broken(c, w,
		       "%" PRId64 " flows in front of it belong to no window: they were inserted, or its"
		       " number changed",
		       w->first - c->next_flow);
	else if (c->next_flow && w->first < c->next_flow)
		broken(c, w, "it was changed: its flows overlap those of the window before");
}

static int check_content(struct check *c, const struct history_window *w)
{
	unsigned char result[CONTENT_HASH];
	int64_t late;
	int rc = hash(c, w, &late, result);

	if (rc != 0)
		return rc;
	if (c->flows < w->flows)
		broken(c, w, "%" PRId64 " of its %" PRId64 " flows were removed", w->flows - c->flows,
		       w->flows);
	else if (late != w->late)
		broken(c, w, "hashes that came late, which it tells, were changed, removed or inserted");
	else if (c->losses != w->losses)
		broken(c, w, "losses that it tells were removed or inserted");
	else if (memcmp(result, w->hash, CONTENT_HASH) != 0)
		broken(c, w, "it was changed or inserted");
	else {
		c->seen->windows++;
		c->seen->flows += w->flows;
		if (c->fn)
			c->fn(c->arg, &c->run, w);
	}
	return 0;
}

static int check_window(struct check *c, const struct history_window *w)
{
	int rc = c->run.id == w->run ? 0 : history_run(c->history, w->run, &c->run);

	check_place(c, w);
	if (rc == -ENOENT) {
		broken(c, w, "what is known of its start was removed");
		rc = 0;
	} else if (rc == 0 && c->run.version > COLUMNS_VERSION) {
		printf("local: window %" PRId64 " is of a newer femtosnitch: this one cannot check it\n",
		       w->seq);
		return -ENOTSUP;
	} else if (rc == 0 && !w->anchor) {
		rc = check_content(c, w);
	}
	memcpy(c->previous, w->hash, CONTENT_HASH);
	c->next_seq = w->seq + 1;
	c->next_flow = w->first + w->flows;
	c->seen->last_seq = w->seq;
	return rc;
}

static int64_t count(struct check *c, const char *sql)
{
	return sqlite_number(c->db, sql, 0);
}

static void check_outside(struct check *c)
{
	int64_t n = count(c, "SELECT count(*) FROM flow WHERE id >="
			     " coalesce((SELECT first + flows FROM chain ORDER BY seq DESC LIMIT 1), 0)"
			     " AND EXISTS (SELECT 1 FROM chain)");

	if (n > 0)
		broken(c, NULL,
		       "%" PRId64 " flows behind the last window belong to none: they were inserted,"
		       " or windows removed",
		       n);
	n = count(c, "SELECT count(*) FROM loss_part WHERE window NOT IN (SELECT seq FROM chain)");
	if (n > 0)
		broken(c, NULL,
		       "%" PRId64 " losses belong to no window: they were inserted, or windows removed", n);
	n = count(c, "SELECT count(*) FROM flow WHERE id < coalesce((SELECT first + flows * anchor FROM chain"
		     " ORDER BY seq LIMIT 1), (SELECT max(id) + 1 FROM flow))");
	if (n > 0)
		printf("local: %" PRId64
		       " flows are older than the chain, or what retention left of a window:"
		       " not checked\n",
		       n);
}

int local_check(struct sqlite *db, struct local_seen *seen, local_window_fn *fn, void *arg)
{
	struct check c = {.db = db, .seen = seen, .fn = fn, .arg = arg};
	struct history_window w = {0};
	int rc;

	memset(seen, 0, sizeof(*seen));
	c.history = history_new(db, false);
	if (!c.history)
		return -ENOMEM;
	while ((rc = history_next(c.history, w.seq, &w)) == 1)
		if ((rc = check_window(&c, &w)) != 0)
			break;
	if (rc == 0)
		check_outside(&c);
	history_free(c.history);
	if (c.broken > 1)
		printf("local: and %u more\n", c.broken - 1);
	return rc != 0 ? rc : c.broken > 0;
}
