// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * losses.c - see losses.h.
 */
#include "store/losses.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "store/text.h"

#define REST "(and others: too many to tell apart)"

struct waiting {
	struct waiting *next;
	struct wire_loss loss;
	char *detail; /* NULL: no memory for it */
};

struct losses {
	struct waiting *first;
	size_t count;
};

struct losses *losses_new(void)
{
	return calloc(1, sizeof(struct losses));
}

void losses_clear(struct losses *ls)
{
	struct waiting *w;

	while ((w = ls->first)) {
		ls->first = w->next;
		free(w->detail);
		free(w);
	}
	ls->count = 0;
}

void losses_free(struct losses *ls)
{
	if (!ls)
		return;
	losses_clear(ls);
	free(ls);
}

static void add_sums(struct wire_loss *to, const struct wire_loss *from)
{
	if (from->from_ns < to->from_ns)
		to->from_ns = from->from_ns;
	if (from->to_ns > to->to_ns)
		to->to_ns = from->to_ns;
	to->records += from->records;
	to->bytes += from->bytes;
}

/* Two gaps are not one long one. */
static bool adds_up(unsigned kind)
{
	return kind != WIRE_LOSS_NOT_WATCHING && kind != WIRE_LOSS_SUSPENDED && kind != WIRE_LOSS_CLOCK;
}

static struct waiting *find(struct losses *ls, const struct wire_loss *loss, const char *detail)
{
	struct waiting *w;

	if (!adds_up(loss->kind))
		return NULL;
	for (w = ls->first; w; w = w->next)
		if (w->loss.kind == loss->kind && w->loss.stage == loss->stage && w->detail &&
		    strcmp(w->detail, detail) == 0)
			return w;
	return NULL;
}

int losses_add(struct losses *ls, const struct wire_loss *loss, const char *detail, size_t detail_len)
{
	char *text = text_clean(detail, detail_len);
	struct waiting *w;

	w = find(ls, loss, text ? text : "");
	if (!w && ls->count >= LOSSES_MAX) {
		free(text);
		text = strdup(REST);
		for (w = ls->first; w; w = w->next) /* at most one more per kind and stage */
			if (w->loss.kind == loss->kind && w->loss.stage == loss->stage && w->detail &&
			    strcmp(w->detail, REST) == 0)
				break;
	}
	if (w) {
		add_sums(&w->loss, loss);
		free(text);
		return 0;
	}
	w = calloc(1, sizeof(*w));
	if (!w) {
		free(text);
		return 0;
	}
	w->loss = *loss;
	w->detail = text;
	w->next = ls->first;
	ls->first = w;
	ls->count++;
	return 1;
}

size_t losses_count(const struct losses *ls)
{
	return ls->count;
}

static void bind(sqlite3_stmt *stmt, const struct waiting *w)
{
	sqlite3_bind_int64(stmt, 1, (int64_t)(w->loss.from_ns / 1000000000u));
	sqlite3_bind_int64(stmt, 2, (int64_t)(w->loss.to_ns / 1000000000u));
	sqlite3_bind_int64(stmt, 3, w->loss.kind);
	sqlite3_bind_int64(stmt, 4, w->loss.stage);
	sqlite3_bind_int64(stmt, 5, (int64_t)w->loss.records);
	sqlite3_bind_int64(stmt, 6, (int64_t)w->loss.bytes);
	sqlite3_bind_text(stmt, 7, w->detail ? w->detail : "", -1, SQLITE_STATIC);
}

/* What goes on window after window is one row that grows, not a row per window. */
static int write_one(struct sqlite *s, const struct waiting *w)
{
	static const char grow[] =
		"UPDATE loss SET time_to = max(time_to, ?2), records = records + ?5, bytes = bytes + ?6"
		" WHERE id = (SELECT id FROM loss WHERE time_to BETWEEN ?1 - 600 AND ?2 + 600 AND kind = ?3"
		" AND stage = ?4 AND detail = ?7 ORDER BY time_to DESC LIMIT 1)";
	static const char add[] = "INSERT INTO loss(time_from, time_to, kind, stage, records, bytes, detail)"
				  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
	sqlite3_stmt *stmt;
	int rc;

	if (adds_up(w->loss.kind)) {
		stmt = sqlite_statement(s, grow);
		bind(stmt, w);
		rc = sqlite_run(s, stmt);
		if (rc != 0 || sqlite3_changes(s->db) > 0)
			return rc;
	}
	stmt = sqlite_statement(s, add);
	bind(stmt, w);
	return sqlite_run(s, stmt);
}

/* For the chain, which must not change. */
static int write_part(struct sqlite *s, const struct waiting *w)
{
	static const char add[] =
		"INSERT INTO loss_part(window, n, time_from, time_to, kind, stage, records, bytes, detail)"
		" SELECT seq, 1 + coalesce((SELECT max(n) FROM loss_part WHERE window = seq), 0),"
		" ?1, ?2, ?3, ?4, ?5, ?6, ?7 FROM (SELECT coalesce(max(seq), 0) + 1 AS seq FROM chain)";
	sqlite3_stmt *stmt = sqlite_statement(s, add);

	bind(stmt, w);
	return sqlite_run(s, stmt);
}

int losses_write(struct losses *ls, struct sqlite *s)
{
	struct waiting *w;
	int rc = 0;

	for (w = ls->first; w && rc == 0; w = w->next)
		if ((rc = write_one(s, w)) == 0)
			rc = write_part(s, w);
	return rc;
}
