// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * writer.c - see writer.h.
 */
#include "store/writer.h"

#include <limits.h>
#include <stdlib.h>

#include "store/identity.h"
#include "store/records.h"

struct writer {
	struct sqlite *db;
	struct programs *programs;
	struct images *images;
	struct interfaces *interfaces;
	struct tell *tell;
	int64_t event; /* the last, not yet asked for */
	struct records *records;
	struct rows *rows;
};

struct writer *writer_new(struct sqlite *db, struct programs *programs, struct images *images,
			  struct interfaces *interfaces, struct tell *tell, struct geoip *geoip)
{
	struct writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->db = db;
	w->programs = programs;
	w->images = images;
	w->interfaces = interfaces;
	w->tell = tell;
	w->records = records_new(db);
	w->rows = w->records ? rows_new(db, w->records, geoip) : NULL;
	if (!w->rows) {
		writer_free(w);
		return NULL;
	}
	return w;
}

void writer_free(struct writer *w)
{
	if (!w)
		return;
	rows_free(w->rows);
	records_free(w->records);
	free(w);
}

void writer_trim(struct writer *w)
{
	records_expect(w->records, 0);
}

void writer_begin(struct writer *w)
{
	rows_begin(w->rows);
	writer_forget(w);
}

void writer_forget(struct writer *w)
{
	records_forget(w->records);
	rows_forget(w->rows);
	images_forget_rows(w->images);
	programs_forget_rows(w->programs);
}

int writer_rows(struct writer *w, const struct settings *settings, const struct foreign_row *rows,
		size_t count)
{
	return rows_foreign(w->rows, settings, rows, count);
}

int writer_program(struct writer *w, struct program *p, int64_t now)
{
	int64_t id = records_program(w->records, p, now);

	return id < 0 ? (int)id : tell_old(w->db, p);
}

/* Hashes that came late change which row a program has: before the rows that refer to it. */
static int write_late_hash(void *arg, struct program *p)
{
	struct writer *w = arg;
	int64_t id;

	if (!p->news || !p->id || p->row_error == p->hash_error)
		return 0;
	id = records_program(w->records, p, p->row_last_seen_s);
	return id < 0 ? (int)id : 0;
}

static int write_program(void *arg, struct program *p)
{
	struct writer *w = arg;
	int64_t id = p->id;

	/* A row is made for what used the network or was ignored; others get theirs from an image. */
	if (p->last_seen_s > p->row_last_seen_s && (p->id || p->first_network_s))
		id = records_program(w->records, p, p->last_seen_s);
	else if (!p->id && p->ignored_bytes > 0)
		id = records_program(w->records, p, p->last_seen_s);
	if (id <= 0 || !p->news)
		return id < 0 ? (int)id : 0;
	return identity_news(w->db, p);
}

static int written(void *arg, struct program *p)
{
	struct writer *w = arg;

	programs_written(w->programs, p);
	if (p->looked)
		programs_looked_up(w->programs, p);
	return 0;
}

static int set_meta(struct writer *w, const char *key, uint64_t value)
{
	static const char set[] = "INSERT INTO meta(key, value) VALUES(?1, ?2)"
				  " ON CONFLICT(key) DO UPDATE SET value = excluded.value";
	sqlite3_stmt *stmt = sqlite_statement(w->db, set);

	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, (int64_t)value);
	return sqlite_run(w->db, stmt);
}

static int write_mark(struct writer *w, const struct writer_mark *mark)
{
	int rc = 0;

	if (mark->window_to)
		rc = set_meta(w, "window_to", mark->window_to);
	if (mark->journal && rc == 0 && (rc = set_meta(w, "journal", mark->journal)) == 0)
		rc = set_meta(w, "facts", mark->facts);
	return rc;
}

static void told(struct writer *w)
{
	int64_t last = tell_committed(w->tell, w->db);

	w->event = last ? last : w->event;
}

uint64_t writer_late(struct writer *w)
{
	return rows_late(w->rows);
}

int64_t writer_event(struct writer *w)
{
	int64_t last = w->event;

	w->event = 0;
	return last;
}

/* ---- programs that are news */

struct sighting {
	struct writer *writer;
	unsigned left;
	bool in_transaction;
};

static int begin(struct sighting *s)
{
	int rc = s->in_transaction ? 0 : sqlite_begin(s->writer->db);

	s->in_transaction |= rc == 0;
	return rc;
}

/* A row for it, first of all in one that is known as nothing else. */
static int sight(struct sighting *s, struct program *p)
{
	int64_t id = p->first_network_s > p->first_parent_s ? p->first_network_s : p->first_parent_s;
	int rc = begin(s);

	if (rc != 0)
		return rc;
	id = records_program(s->writer->records, p, id);
	return id < 0 ? (int)id : tell_program(s->writer->tell, s->writer->db, p);
}

static int look_up(void *arg, struct program *p)
{
	struct sighting *s = arg;
	int rc;

	if (!program_waits(p) || s->left == 0)
		return 0;
	s->left--;
	p->looked = true;
	rc = p->self ? 1 : identity_known(s->writer->db, p);
	return rc == 0 ? sight(s, p) : rc < 0 ? rc : 0;
}

static int looked_up(void *arg, struct program *p)
{
	if (p->looked)
		programs_looked_up(arg, p);
	return 0;
}

static int not_looked(void *arg, struct program *p)
{
	(void)arg;
	p->looked = false;
	return 0;
}

/* In memory everything is as before, but for the row ids, which are asked for again. */
static int undo(struct writer *w, int rc)
{
	sqlite_rollback(w->db);
	writer_forget(w);
	tell_undone(w->tell);
	programs_each(w->programs, not_looked, NULL);
	return rc;
}

int64_t writer_commit(struct writer *w, const struct settings *settings, const struct batch *b,
		      struct losses *losses, const struct writer_mark *mark)
{
	bool rows = (settings->sql_log || settings_copied(settings)) && batch_count(b) > 0;
	/* lines of the text log must not come again either */
	bool lines = settings->text_log && batch_count(b) > 0 && mark->journal;
	/* all of them: a program that gets its row with what follows is known from then on */
	struct sighting s = {.writer = w, .left = UINT_MAX, .in_transaction = true};
	int rc;

	if (!rows && !lines && losses_count(losses) == 0 && !programs_have_news(w->programs) &&
	    programs_fresh(w->programs) == 0 && !interfaces_due(w->interfaces) && !tell_waits(w->tell))
		return 0;
	if ((rc = sqlite_begin(w->db)) != 0)
		return rc;
	if ((rc = losses_write(losses, w->db)) != 0 || (rc = programs_each(w->programs, look_up, &s)) != 0 ||
	    (rc = tell_write(w->tell, w->db)) != 0 ||
	    (rc = programs_each(w->programs, write_late_hash, w)) != 0 ||
	    (rc = rows ? rows_batch(w->rows, settings, b) : rows_none(w->rows)) != 0 ||
	    (rc = programs_each(w->programs, write_program, w)) != 0 || (rc = write_mark(w, mark)) != 0 ||
	    (rc = interfaces_write(w->interfaces, w->db)) != 0 ||
	    (rc = copied_keep(mark->copied, w->db)) != 0)
		return undo(w, rc);
	if ((rc = sqlite_commit(w->db)) != 0)
		return undo(w, rc);
	programs_each(w->programs, written, w);
	told(w);
	interfaces_written(w->interfaces);
	copied_kept(mark->copied);
	return rows ? (int64_t)batch_count(b) : 0;
}

int writer_first_sightings(struct writer *w)
{
	struct sighting s = {.writer = w, .left = WRITER_SIGHTINGS};
	int rc = programs_each(w->programs, look_up, &s);

	if (rc == 0 && tell_waits(w->tell) && (rc = begin(&s)) == 0)
		rc = tell_write(w->tell, w->db);
	if (s.in_transaction && rc == 0)
		rc = sqlite_commit(w->db);
	if (rc != 0)
		return undo(w, rc);
	programs_each(w->programs, looked_up, w->programs);
	told(w);
	return 0;
}

/* ---- the first start of all */

struct introduction {
	struct writer *writer;
	int64_t now_s;
	uint64_t programs;
};

static int introduce(void *arg, struct program *p)
{
	struct introduction *i = arg;
	int64_t id;

	if (!p->running || p->self)
		return 0;
	i->programs++;
	id = records_program(i->writer->records, p, i->now_s);
	return id < 0 ? (int)id : tell_known(i->writer->db, id);
}

int writer_introduce(struct writer *w, int64_t now_s)
{
	static const char network[] = "SELECT count(*) FROM program WHERE acknowledged = 1 AND told & 1";
	struct introduction i = {.writer = w, .now_s = now_s};
	int rc = sqlite_begin(w->db);

	if (rc != 0)
		return rc;
	if ((rc = programs_each(w->programs, introduce, &i)) != 0 ||
	    (rc = tell_introduce(w->tell, w->db, now_s, i.programs,
				 (uint64_t)sqlite_number(w->db, network, 0))) != 0 ||
	    (rc = sqlite_commit(w->db)) != 0)
		return undo(w, rc);
	told(w);
	return 0;
}

int writer_verdict(struct writer *w, const struct wire_verdict *verdict)
{
	int rc = sqlite_begin(w->db);

	if (rc != 0)
		return rc;
	if ((rc = tell_verdict(w->tell, w->db, verdict)) != 0 || (rc = sqlite_commit(w->db)) != 0)
		return undo(w, rc);
	told(w);
	return 0;
}
