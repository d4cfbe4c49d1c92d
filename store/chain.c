// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * chain.c - see chain.h. The rows are read back as the check will read them, so that the two cannot differ.
 */
#include "store/chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "config/log.h"
#include "store/host.h"

/* Of that many images whose hash came late, one window tells; the others come with the next. */
#define LATE_MAX 1024

struct chain {
	struct sqlite *db;
	struct history *history;
	struct history_run run;
	struct content content;
};

struct chain *chain_new(struct sqlite *db)
{
	struct chain *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->db = db;
	c->history = history_new(db, false);
	if (!c->history) {
		free(c);
		return NULL;
	}
	chain_begin(c);
	return c;
}

void chain_free(struct chain *c)
{
	if (!c)
		return;
	history_free(c->history);
	free(c);
}

void chain_begin(struct chain *c)
{
	memset(&c->run, 0, sizeof(c->run));
	c->run.version = COLUMNS_VERSION;
	host_id(c->run.host);
	host_name(c->run.hostname, sizeof(c->run.hostname));
	if (getrandom(c->run.log, sizeof(c->run.log), 0) != (ssize_t)sizeof(c->run.log))
		fatal("getrandom");
}

int64_t chain_next_flow(struct chain *c)
{
	static const char sql[] =
		"SELECT 1 + max(coalesce((SELECT max(id) FROM flow), 0),"
		" coalesce((SELECT first + flows - 1 FROM chain ORDER BY seq DESC LIMIT 1), 0))";

	return sqlite_number(c->db, sql, -EIO);
}

/* The row of this start is made with its first window, which may be undone: it is looked for each time. */
static int make_run(struct chain *c, int64_t now_s)
{
	static const char add[] =
		"INSERT INTO run(version, host, log, hostname, started) SELECT ?1, ?2, ?3, ?4, ?5"
		" WHERE NOT EXISTS (SELECT 1 FROM run WHERE log = ?3)";
	static const char find[] = "SELECT id FROM run WHERE log = ?1";
	sqlite3_stmt *stmt = sqlite_statement(c->db, add);
	int rc;

	sqlite3_bind_int64(stmt, 1, c->run.version);
	sqlite3_bind_blob(stmt, 2, c->run.host, sizeof(c->run.host), SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 3, c->run.log, sizeof(c->run.log), SQLITE_STATIC);
	sqlite3_bind_text(stmt, 4, c->run.hostname, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 5, now_s);
	if ((rc = sqlite_run(c->db, stmt)) != 0)
		return rc;
	stmt = sqlite_statement(c->db, find);
	sqlite3_bind_blob(stmt, 1, c->run.log, sizeof(c->run.log), SQLITE_STATIC);
	if ((rc = sqlite_step(c->db, stmt)) != 1)
		return rc == 0 ? -EIO : rc;
	c->run.id = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return 0;
}

/* The number and hash of the window before. */
static int last_window(struct chain *c, struct content_window *w)
{
	static const char sql[] = "SELECT seq, hash FROM chain ORDER BY seq DESC LIMIT 1";
	sqlite3_stmt *stmt = sqlite_statement(c->db, sql);
	int rc = sqlite_step(c->db, stmt);

	w->seq = 1;
	memset(w->previous, 0, sizeof(w->previous));
	if (rc != 1)
		return rc;
	w->seq = sqlite3_column_int64(stmt, 0) + 1;
	if (sqlite3_column_bytes(stmt, 1) == CONTENT_HASH)
		memcpy(w->previous, sqlite3_column_blob(stmt, 1), CONTENT_HASH);
	sqlite3_reset(stmt);
	return 0;
}

/* ---- hashes that came late */

#define IMAGES_OF(programs)                                                                                  \
	"WITH a(id) AS MATERIALIZED (SELECT id FROM image WHERE program IN (" programs ")),"                 \
	" b(id) AS MATERIALIZED (SELECT id FROM image WHERE id > (SELECT min(id) FROM a) AND parent IN a),"  \
	" c(id) AS (SELECT id FROM image WHERE id > (SELECT min(id) FROM b) AND parent IN b)"                \
	" INSERT OR IGNORE INTO late(image, before, run, pending)"                                           \
	" SELECT i0.id, 1 + max(coalesce((SELECT max(id) FROM flow), 0), l.first + l.flows - 1), "           \
	"l.run, " COLUMNS_IMAGE_PENDING                                                                      \
	" FROM (SELECT id FROM a UNION SELECT id FROM b UNION SELECT id FROM c UNION SELECT id FROM image "  \
	"WHERE script > 0 AND script IN (" programs ")) x"                                                   \
	" JOIN (SELECT * FROM chain ORDER BY seq DESC LIMIT 1) l JOIN image i0 ON i0.id = x.id"              \
	" LEFT JOIN program p0 ON p0.id = i0.program"                                                        \
	" LEFT JOIN image i1 ON i1.id = i0.parent LEFT JOIN program p1 ON p1.id = i1.program"                \
	" LEFT JOIN image i2 ON i2.id = i1.parent LEFT JOIN program p2 ON p2.id = i2.program LEFT JOIN "     \
	"program s0 ON s0.id = i0.script"

int chain_late(struct sqlite *s, int64_t program)
{
	static const char sql[] = IMAGES_OF("SELECT id FROM program WHERE id = ?1 AND hash_error = 1");
	sqlite3_stmt *stmt = sqlite_statement(s, sql);

	sqlite3_bind_int64(stmt, 1, program);
	return sqlite_run(s, stmt);
}

int chain_late_all(struct sqlite *s)
{
	static const char sql[] = IMAGES_OF("SELECT id FROM program WHERE hash_error = 1");

	return sqlite_run(s, sqlite_statement(s, sql));
}

/* What one was, and is now. Its row learns it. 1: told, 0: it waits for another hash still, -errno. */
static int tell_late(struct chain *c, const int64_t row[4], int64_t seq, struct content_late *late)
{
	static const char tell[] =
		"UPDATE late SET window = ?3, was = ?4, now = ?5 WHERE image = ?1 AND before = ?2";
	int64_t image = row[0], before = row[1];
	struct history_run run;
	sqlite3_stmt *stmt;
	int rc;

	if ((rc = history_run(c->history, row[2], &run)) != 0 ||
	    (rc = history_image(c->history, &run, image, (unsigned)row[3], NULL, NULL, late->before)) != 0 ||
	    (rc = history_image(c->history, &run, image, 0, NULL, NULL, late->now)) != 0)
		return rc;
	stmt = sqlite_statement(c->db, tell);
	sqlite3_bind_int64(stmt, 1, image);
	sqlite3_bind_int64(stmt, 2, before);
	sqlite3_bind_int64(stmt, 3, seq);
	sqlite3_bind_blob(stmt, 4, late->before, CONTENT_HASH, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 5, late->now, CONTENT_HASH, SQLITE_STATIC);
	rc = sqlite_run(c->db, stmt);
	return rc < 0 ? rc : 1;
}

/* Fills *late (caller frees); returns how many, or -errno. */
static int64_t tell_all_late(struct chain *c, int64_t seq, struct content_late **late)
{
	static const char any[] = "SELECT count(*) FROM late WHERE window IS NULL";
	static const char find[] =
		"SELECT l.image, l.before, l.run, l.pending FROM late l LEFT JOIN image i0 ON i0.id = l.image"
		" LEFT JOIN program p0 ON p0.id = i0.program"
		" LEFT JOIN image i1 ON i1.id = i0.parent LEFT JOIN program p1 ON p1.id = i1.program"
		" LEFT JOIN image i2 ON i2.id = i1.parent LEFT JOIN program p2 ON p2.id = i2.program LEFT "
		"JOIN program s0 ON s0.id = i0.script"
		" WHERE l.window IS NULL AND " COLUMNS_IMAGE_PENDING
		" = 0 ORDER BY l.before, l.image LIMIT ?1";
	int64_t waiting = sqlite_number(c->db, any, 0), n = 0, row[4];
	sqlite3_stmt *stmt;
	int rc, i;

	*late = NULL;
	if (waiting == 0)
		return 0;
	waiting = waiting < LATE_MAX ? waiting : LATE_MAX;
	if (!(*late = calloc((size_t)waiting, sizeof(**late))))
		return -ENOMEM;
	/* What was told drops out of the question: it is asked again for each. Rare. */
	while (n < waiting) {
		stmt = sqlite_statement(c->db, find);
		sqlite3_bind_int64(stmt, 1, 1);
		if ((rc = sqlite_step(c->db, stmt)) != 1)
			return rc < 0 ? rc : n;
		for (i = 0; i < 4; i++)
			row[i] = sqlite3_column_int64(stmt, i);
		sqlite3_reset(stmt);
		if ((rc = tell_late(c, row, seq, &(*late)[n])) < 0)
			return rc;
		n++;
	}
	return n;
}

/* ---- a window */

struct sealing {
	struct content *content;
	unsigned version;
	int64_t flows;
};

static int add_flow(void *arg, const struct history_flow *f)
{
	struct sealing *s = arg;

	content_flow(s->content, s->version, f->id, f->values, f->image);
	s->flows++;
	return 0;
}

static int add_loss(void *arg, int64_t n, const struct content_value *values)
{
	struct sealing *s = arg;

	content_loss(s->content, s->version, n, values);
	return 0;
}

static int hash_window(struct chain *c, struct content_window *w, struct content_late *late,
		       unsigned char hash[CONTENT_HASH])
{
	struct sealing s = {.content = &c->content, .version = w->version};
	int64_t i;
	int rc;

	content_window(&c->content, w);
	rc = history_flows(c->history, &c->run, w->first, w->first + w->flows - 1, NULL, add_flow, &s);
	if (rc == 0 && s.flows != w->flows)
		rc = -EIO;
	if (rc != 0)
		return rc;
	if (w->late > 0)
		qsort(late, (size_t)w->late, sizeof(*late), content_compare_late);
	for (i = 0; i < w->late; i++)
		content_late(&c->content, &late[i]);
	if ((rc = history_losses(c->history, w->seq, add_loss, &s)) != 0)
		return rc;
	content_end(&c->content, hash);
	return 0;
}

static int add_window(struct chain *c, const struct content_window *w, const unsigned char hash[CONTENT_HASH])
{
	static const char add[] = "INSERT INTO chain(seq, run, time, first, flows, late, hash, losses)"
				  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
	sqlite3_stmt *stmt = sqlite_statement(c->db, add);

	sqlite3_bind_int64(stmt, 1, w->seq);
	sqlite3_bind_int64(stmt, 2, c->run.id);
	sqlite3_bind_int64(stmt, 3, w->time_s);
	sqlite3_bind_int64(stmt, 4, w->first);
	sqlite3_bind_int64(stmt, 5, w->flows);
	sqlite3_bind_int64(stmt, 6, w->late);
	sqlite3_bind_blob(stmt, 7, hash, CONTENT_HASH, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 8, w->losses);
	return sqlite_run(c->db, stmt);
}

static int64_t count_losses(struct sqlite *s, int64_t seq)
{
	static const char sql[] = "SELECT count(*) FROM loss_part WHERE window = ?1";
	sqlite3_stmt *stmt = sqlite_statement(s, sql);
	int64_t n = 0;

	sqlite3_bind_int64(stmt, 1, seq);
	if (sqlite_step(s, stmt) == 1) {
		n = sqlite3_column_int64(stmt, 0);
		sqlite3_reset(stmt);
	}
	return n;
}

int64_t chain_seal(struct chain *c, int64_t first, int64_t flows, int64_t time_s)
{
	struct content_window w = {
		.version = c->run.version, .time_s = time_s, .first = first, .flows = flows};
	unsigned char hash[CONTENT_HASH];
	struct content_late *late = NULL;
	int rc;

	history_forget(c->history);
	if ((rc = last_window(c, &w)) != 0)
		return rc;
	w.late = tell_all_late(c, w.seq, &late);
	w.losses = count_losses(c->db, w.seq);
	if (w.late < 0 || (w.late == 0 && flows == 0 && w.losses == 0)) {
		free(late);
		return w.late;
	}
	memcpy(w.host, c->run.host, sizeof(w.host));
	memcpy(w.log, c->run.log, sizeof(w.log));
	if ((rc = make_run(c, time_s)) == 0 && (rc = hash_window(c, &w, late, hash)) == 0)
		rc = add_window(c, &w, hash);
	free(late);
	return rc != 0 ? rc : w.late + w.losses;
}

/* All before the first window that is whole, but for the last of them. */
#define LEADING                                                                                              \
	"(SELECT max(seq) FROM chain WHERE anchor AND seq <"                                                 \
	" coalesce((SELECT min(seq) FROM chain WHERE flows > 0 AND NOT anchor), 9223372036854775807))"

/* What went with a window before the copy had it is told once more, by the window to come: the local table of
 * losses knows it already. */
static int tell_again(struct sqlite *s, int64_t copied)
{
	static const char sql[] =
		"INSERT INTO loss_part(window, n, time_from, time_to, kind, stage, records, bytes, detail)"
		" SELECT next.seq, row_number() OVER (ORDER BY l.window, l.n) + next.n, l.time_from, "
		"l.time_to,"
		" l.kind, l.stage, l.records, l.bytes, l.detail FROM loss_part l,"
		" (SELECT max(seq) + 1 AS seq, (SELECT coalesce(max(n), 0) FROM loss_part WHERE window >"
		" (SELECT max(seq) FROM chain)) AS n FROM chain) next"
		" WHERE l.window > ?1 AND ?2 AND l.window <= " LEADING;

	return copied == INT64_MAX ? 0 : sqlite_run2(s, sql, copied, 1);
}

int chain_removed(struct sqlite *s, int64_t first_flow, int64_t last_flow, int64_t copied)
{
	static const char mark[] =
		"UPDATE chain SET anchor = 1 WHERE NOT anchor AND flows > 0 AND first + flows > ?1 AND"
		" first <= ?2 AND"
		" (SELECT count(*) FROM flow WHERE id >= chain.first AND id < chain.first + chain.flows) < "
		"flows";
	static const char *const steps[] = {
		"DELETE FROM late WHERE ?1 <= ?2 AND window <= " LEADING,
		"DELETE FROM loss_part WHERE ?1 <= ?2 AND window <= " LEADING,
		"DELETE FROM chain WHERE ?1 <= ?2 AND seq < " LEADING,
		"DELETE FROM run WHERE ?1 <= ?2 AND id < (SELECT min(run) FROM chain)"
		" AND id NOT IN (SELECT run FROM late)",
	};
	size_t i;
	int rc = sqlite_run2(s, mark, first_flow, last_flow);

	if (rc == 0)
		rc = tell_again(s, copied);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]) && rc == 0; i++)
		rc = sqlite_run2(s, steps[i], first_flow, last_flow);
	return rc;
}
