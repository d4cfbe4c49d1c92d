// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tell.c - see tell.h. Lines of exe.log are gathered while the transaction is open and written when it is
 * durable: a transaction that is undone is tried again, and would say them twice.
 */
#include "store/tell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/utf8.h"
#include "config/wire_check.h"
#include "store/schema.h"

#define TEXT_MAX 512

struct message {
	int kind;
	int64_t time_s; /* 0: free */
	bool waits;	/* not yet in snitch.db */
	bool written;	/* in the transaction that is open */
	char text[TEXT_MAX];
};

struct tell {
	const struct settings *settings;
	struct textlog exe_log;
	bool introduced, introducing;
	bool events; /* in the transaction that is open */
	bool news;
	struct message message[TELL_WAITING]; /* the last ones: a ring */
	size_t next;
	char *lines; /* for exe.log */
	size_t lines_len;
	FILE *gather; /* writes them; NULL: none yet */
};

/* What the row of a program says before it is told. */
struct row {
	int told, seen_as, acknowledged;
	bool new_name;
	bool told_before; /* something else at that path was */
};

struct tell *tell_new(const struct settings *settings, const char *dir)
{
	struct tell *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->settings = settings;
	textlog_open(&t->exe_log, dir, "exe.log");
	return t;
}

static void forget_lines(struct tell *t)
{
	if (t->gather)
		fclose(t->gather);
	free(t->lines);
	t->gather = NULL;
	t->lines = NULL;
}

void tell_free(struct tell *t)
{
	if (!t)
		return;
	forget_lines(t);
	free(t);
}

void tell_look(struct tell *t, struct sqlite *s)
{
	t->introduced = sqlite_number(s, "SELECT count(*) FROM meta WHERE key = 'introduced'", 0) > 0;
}

bool tell_introduced(const struct tell *t)
{
	return t->introduced;
}

bool tell_news(struct tell *t)
{
	bool news = t->news;

	t->news = false;
	return news;
}

static void bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	if (text)
		sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(stmt, at);
}

static void bind_time(sqlite3_stmt *stmt, int at, int64_t time_s)
{
	if (time_s)
		sqlite3_bind_int64(stmt, at, time_s);
	else
		sqlite3_bind_null(stmt, at);
}

/* ---- is the desktop told? */

static int is_muted(struct sqlite *s, const char *exe, int64_t now_s)
{
	static const char ask[] = "SELECT 1 FROM acknowledged WHERE exe = ?1 AND uid = -1 AND muted = 1"
				  " AND coalesce(until > ?2, 1)";
	sqlite3_stmt *stmt = sqlite_statement(s, ask);
	int rc;

	bind_text(stmt, 1, exe);
	sqlite3_bind_int64(stmt, 2, now_s);
	if ((rc = sqlite_step(s, stmt)) == 1)
		sqlite3_reset(stmt);
	return rc;
}

static int quiet(const struct tell *t, int kind)
{
	if (!t->settings->desktop_notifications)
		return SCHEMA_QUIET_OFF;
	return t->settings->notify_kinds & 1u << kind ? 0 : SCHEMA_QUIET_KIND;
}

static int quiet_program(const struct tell *t, struct sqlite *s, const struct program *p, int kind,
			 bool known)
{
	int muted;

	if (known)
		return SCHEMA_QUIET_KNOWN;
	muted = is_muted(s, p->exe, p->first_network_s);
	if (muted < 0)
		return muted;
	return muted ? SCHEMA_QUIET_MUTED : quiet(t, kind);
}

/* ---- events */

static int add_event(struct tell *t, struct sqlite *s, int kind, int64_t time_s, int quiet_why,
		     const struct program *p, const char *text)
{
	static const char add[] = "INSERT INTO event(time, kind, program, uid, quiet, exe, name, text)"
				  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
	sqlite3_stmt *stmt = sqlite_statement(s, add);

	sqlite3_bind_int64(stmt, 1, time_s);
	sqlite3_bind_int(stmt, 2, kind);
	sqlite3_bind_int64(stmt, 3, p ? p->id : 0);
	t->events = true;
	if (p && p->uid != WIRE_EVERYBODY)
		sqlite3_bind_int64(stmt, 4, p->uid);
	else
		sqlite3_bind_null(stmt, 4);
	sqlite3_bind_int(stmt, 5, quiet_why);
	bind_text(stmt, 6, p ? p->exe : NULL);
	bind_text(stmt, 7, p ? p->name : NULL);
	bind_text(stmt, 8, text);
	return sqlite_run(s, stmt);
}

static FILE *gather(struct tell *t)
{
	if (!t->gather)
		t->gather = open_memstream(&t->lines, &t->lines_len);
	return t->gather;
}

/* "DATE TIME NAME PATH (new name, exe)", and a line for its hash, as in picosnitch. */
static void log_program(struct tell *t, const struct program *p, int64_t time_s, const char *what,
			bool parent)
{
	FILE *f = gather(t);
	char text[20];
	size_t i;

	if (!f)
		return;
	textlog_exe(f, time_s, p->name, p->exe, what, parent ? " (parent)" : "");
	if (parent || p->hash_error != WIRE_HASH_OK || strstr(what, "hash"))
		return;
	for (i = 0; i < 8; i++)
		snprintf(text + 2 * i, 3, "%02x", p->sha256[i]);
	textlog_exe(f, time_s, text, p->exe, "new hash", "");
}

static int read_row(struct sqlite *s, const struct program *p, struct row *row)
{
	static const char ask[] = "SELECT told, coalesce(seen_as, 0), acknowledged,"
				  " NOT EXISTS (SELECT 1 FROM program WHERE name IS ?2 AND id <> ?1),"
				  " EXISTS (SELECT 1 FROM program WHERE exe IS ?3 AND id <> ?1 AND told & 1)"
				  " FROM program WHERE id = ?1";
	sqlite3_stmt *stmt = sqlite_statement(s, ask);
	int rc;

	sqlite3_bind_int64(stmt, 1, p->id);
	bind_text(stmt, 2, p->name);
	bind_text(stmt, 3, p->exe);
	if ((rc = sqlite_step(s, stmt)) != 1)
		return rc < 0 ? rc : -ENOENT;
	row->told = sqlite3_column_int(stmt, 0);
	row->seen_as = sqlite3_column_int(stmt, 1);
	row->acknowledged = sqlite3_column_int(stmt, 2);
	row->new_name = sqlite3_column_int(stmt, 3);
	row->told_before = sqlite3_column_int(stmt, 4);
	sqlite3_reset(stmt);
	return 0;
}

static int write_row(struct sqlite *s, const struct program *p, int told, bool known)
{
	static const char set[] = "UPDATE program SET told = ?2, first_parent = coalesce(first_parent, ?3),"
				  " acknowledged = max(acknowledged, ?4) WHERE id = ?1";
	sqlite3_stmt *stmt = sqlite_statement(s, set);

	sqlite3_bind_int64(stmt, 1, p->id);
	sqlite3_bind_int(stmt, 2, told);
	bind_time(stmt, 3, p->first_parent_s);
	sqlite3_bind_int(stmt, 4, known);
	return sqlite_run(s, stmt);
}

static const char *words(const struct row *row)
{
	switch (row->seen_as) {
	case SCHEMA_SEEN_NEW:
		return row->new_name ? "new name, exe" : "new exe";
	case SCHEMA_SEEN_CHANGED:
		return "new hash";
	case SCHEMA_SEEN_NAME:
		return "new name";
	default: /* the path is known, its content is or was not: nothing can be said that is sure */
		return row->told_before ? NULL : "new exe";
	}
}

/* "asked for example.org; started by /bin/sh: curl example.org" */
static void describe(char text[TEXT_MAX], const struct program *p)
{
	const char *peer = p->peer ?: "", *context = p->context ?: "";

	snprintf(text, TEXT_MAX, "%s%s%s", peer, *peer && *context ? "; " : "", context);
	text[utf8_valid_until(text, strlen(text))] = '\0';
}

static int tell_network(struct tell *t, struct sqlite *s, const struct program *p, const struct row *row,
			bool known)
{
	int kind = row->seen_as == SCHEMA_SEEN_CHANGED ? SCHEMA_KIND_CHANGED : SCHEMA_KIND_NEW, why;
	const char *what = words(row);
	char hash[20], text[TEXT_MAX];
	size_t i;

	if (!what)
		return 0;
	if ((why = quiet_program(t, s, p, kind, known)) < 0)
		return why;
	for (i = 0; i < 8; i++)
		snprintf(hash + 2 * i, 3, "%02x", p->sha256[i]);
	if (kind == SCHEMA_KIND_NEW)
		log_program(t, p, p->first_network_s, what, false);
	else if (gather(t))
		textlog_exe(gather(t), p->first_network_s, hash, p->exe, what, "");
	describe(text, p);
	return add_event(t, s, kind, p->first_network_s, why, p, text);
}

static int tell_parent(struct tell *t, struct sqlite *s, const struct program *p, const struct row *row,
		       bool known)
{
	int why = quiet_program(t, s, p, SCHEMA_KIND_PARENT, known);

	if (why < 0)
		return why;
	log_program(t, p, p->first_parent_s, row->new_name ? "new name, exe" : "new exe", true);
	return add_event(t, s, SCHEMA_KIND_PARENT, p->first_parent_s, why, p, p->child ?: "");
}

int tell_program(struct tell *t, struct sqlite *s, const struct program *p)
{
	bool known;
	struct row row;
	int told, rc = read_row(s, p, &row);

	if (rc != 0)
		return rc;
	told = row.told;
	known = row.acknowledged || (p->running && !t->introduced);
	if (p->first_network_s && !(told & SCHEMA_TOLD_NETWORK)) {
		told |= SCHEMA_TOLD_NETWORK;
		rc = tell_network(t, s, p, &row, known);
	}
	if (rc == 0 && p->first_parent_s && !(told & SCHEMA_TOLD_PARENT)) {
		/* what is told this very moment as a program of its own need not be told twice */
		rc = told == row.told ? tell_parent(t, s, p, &row, known) : 0;
		told |= SCHEMA_TOLD_PARENT;
	}
	return rc != 0 || told == row.told ? rc : write_row(s, p, told, known);
}

int tell_known(struct sqlite *s, int64_t program_id)
{
	return sqlite_run2(s, "UPDATE program SET acknowledged = ?2 WHERE id = ?1", program_id, 1);
}

int tell_old(struct sqlite *s, const struct program *p)
{
	static const char set[] =
		"UPDATE program SET acknowledged = 1, told = told | ?2,"
		" first_network = min(coalesce(first_network, ?3), coalesce(?3, first_network)),"
		" first_parent = min(coalesce(first_parent, ?4), coalesce(?4, first_parent)),"
		" first_seen = min(first_seen, coalesce(?3, first_seen), coalesce(?4, first_seen)),"
		" last_seen = max(last_seen, ?5) WHERE id = ?1";
	sqlite3_stmt *stmt = sqlite_statement(s, set);

	sqlite3_bind_int64(stmt, 1, p->id);
	sqlite3_bind_int(stmt, 2,
			 (p->first_network_s ? SCHEMA_TOLD_NETWORK : 0) |
				 (p->first_parent_s ? SCHEMA_TOLD_PARENT : 0));
	bind_time(stmt, 3, p->first_network_s);
	bind_time(stmt, 4, p->first_parent_s);
	sqlite3_bind_int64(stmt, 5, p->last_seen_s);
	return sqlite_run(s, stmt);
}

int tell_old_verdict(struct sqlite *s, const struct wire_verdict *v, const char *detail)
{
	static const char set[] = "UPDATE program SET verdict = ?2, verdict_time = ?3, verdict_detail = ?4"
				  " WHERE sha256 = ?1 AND verdict IS NULL";
	sqlite3_stmt *stmt = sqlite_statement(s, set);

	sqlite3_bind_blob(stmt, 1, v->sha256, sizeof(v->sha256), SQLITE_STATIC);
	bind_text(stmt, 2, wire_verdict_name(v->kind));
	sqlite3_bind_int64(stmt, 3, v->time_s);
	bind_text(stmt, 4, detail);
	return sqlite_run(s, stmt);
}

int tell_introduce(struct tell *t, struct sqlite *s, int64_t now_s, uint64_t programs, uint64_t network)
{
	static const char set[] = "INSERT OR REPLACE INTO meta(key, value) VALUES('introduced', ?1 + ?2)";
	char text[TEXT_MAX];
	int rc = sqlite_run2(s, set, now_s, 0);

	snprintf(text, sizeof(text),
		 "%llu programs were running when femtosnitch was first started; %llu of them use the "
		 "network so "
		 "far. They are taken as known; what is new from now on is told.",
		 (unsigned long long)programs, (unsigned long long)network);
	if (rc == 0)
		rc = add_event(t, s, SCHEMA_KIND_NEW, now_s, quiet(t, SCHEMA_KIND_NEW), NULL, text);
	t->introducing = rc == 0;
	return rc;
}

/* ---- verdicts */

static bool is_bad(unsigned kind)
{
	return kind == WIRE_VERDICT_SUSPICIOUS || kind == WIRE_VERDICT_MALICIOUS;
}

/* The programs with that content, one event and one line each, where its verdict is another than before. */
static int tell_verdicts(struct tell *t, struct sqlite *s, const struct wire_verdict *v, const char *detail)
{
	static const char ask[] = "SELECT id, exe, name, acknowledged FROM program WHERE sha256 = ?1 AND"
				  " verdict IS NOT ?2 AND exe IS NOT NULL GROUP BY exe";
	sqlite3_stmt *stmt = sqlite_statement(s, ask);
	const char *name = wire_verdict_name(v->kind);
	struct program p = {.hash_error = WIRE_HASH_OK};
	char hash[20];
	int rc, why;
	size_t i;

	for (i = 0; i < 8; i++)
		snprintf(hash + 2 * i, 3, "%02x", v->sha256[i]);
	sqlite3_bind_blob(stmt, 1, v->sha256, sizeof(v->sha256), SQLITE_STATIC);
	bind_text(stmt, 2, name);
	while ((rc = sqlite_step(s, stmt)) == 1) {
		p.id = sqlite3_column_int64(stmt, 0);
		p.exe = (char *)sqlite3_column_text(stmt, 1);
		p.name = (char *)sqlite3_column_text(stmt, 2);
		p.uid = WIRE_EVERYBODY;
		if (gather(t))
			textlog_exe(gather(t), v->time_s, hash, p.exe, name, "");
		if (!is_bad(v->kind))
			continue;
		why = is_muted(s, p.exe, v->time_s);
		why = why < 0 ? why : why ? SCHEMA_QUIET_MUTED : quiet(t, SCHEMA_KIND_VERDICT);
		if (why < 0 || (why = add_event(t, s, SCHEMA_KIND_VERDICT, v->time_s, why, &p, detail)) < 0) {
			sqlite3_reset(stmt);
			return why;
		}
	}
	return rc;
}

int tell_verdict(struct tell *t, struct sqlite *s, const struct wire_verdict *v)
{
	static const char set[] = "UPDATE program SET verdict = ?2, verdict_time = ?3, verdict_detail = ?4,"
				  " uploaded = CASE WHEN ?5 THEN coalesce(uploaded, ?3) ELSE uploaded END"
				  " WHERE sha256 = ?1";
	char detail[TEXT_MAX];
	sqlite3_stmt *stmt;
	int rc;

	snprintf(detail, sizeof(detail), "VirusTotal: %s; %.*s", wire_verdict_name(v->kind), (int)v->text_len,
		 (const char *)(v + 1));
	detail[utf8_valid_until(detail, strlen(detail))] = '\0';
	if ((rc = tell_verdicts(t, s, v, detail)) < 0)
		return rc;
	stmt = sqlite_statement(s, set);
	sqlite3_bind_blob(stmt, 1, v->sha256, sizeof(v->sha256), SQLITE_STATIC);
	bind_text(stmt, 2, wire_verdict_name(v->kind));
	sqlite3_bind_int64(stmt, 3, v->time_s);
	sqlite3_bind_text(stmt, 4, (const char *)(v + 1), (int)v->text_len, SQLITE_STATIC);
	sqlite3_bind_int(stmt, 5, v->kind == WIRE_VERDICT_UPLOADED);
	t->news = true;
	return sqlite_run(s, stmt);
}

/* ---- messages */

void tell_message(struct tell *t, int kind, int64_t now_s, const char *text, size_t len)
{
	struct message *m;
	char cut[TEXT_MAX];
	size_t i;

	snprintf(cut, sizeof(cut), "%.*s", (int)(len < TEXT_MAX ? len : TEXT_MAX - 1), text);
	for (i = 0; i < TELL_WAITING; i++)
		if (t->message[i].time_s + TELL_DAY_S > now_s && t->message[i].kind == kind &&
		    strcmp(t->message[i].text, cut) == 0)
			return;
	m = &t->message[t->next];
	if (m->waits)
		return; /* all of them do */
	t->next = (t->next + 1) % TELL_WAITING;
	*m = (struct message){.kind = kind, .time_s = now_s, .waits = true};
	memcpy(m->text, cut, sizeof(m->text));
}

bool tell_waits(const struct tell *t)
{
	size_t i;

	for (i = 0; i < TELL_WAITING; i++)
		if (t->message[i].waits)
			return true;
	return false;
}

/* In the last day, also by a run before this one. */
static int was_said(struct sqlite *s, const struct message *m)
{
	static const char ask[] = "SELECT 1 FROM event WHERE id > (SELECT max(id) FROM event) - 1000"
				  " AND kind = ?1 AND time > ?2 AND text = ?3";
	sqlite3_stmt *stmt = sqlite_statement(s, ask);
	int rc;

	sqlite3_bind_int(stmt, 1, m->kind);
	sqlite3_bind_int64(stmt, 2, m->time_s - TELL_DAY_S);
	bind_text(stmt, 3, m->text);
	if ((rc = sqlite_step(s, stmt)) == 1)
		sqlite3_reset(stmt);
	return rc;
}

int tell_write(struct tell *t, struct sqlite *s)
{
	struct message *m;
	size_t i;
	int rc = 0;

	for (i = 0; i < TELL_WAITING && rc == 0; i++) {
		m = &t->message[(t->next + i) % TELL_WAITING]; /* the oldest first */
		if (!m->waits)
			continue;
		if ((rc = was_said(s, m)) == 0)
			rc = add_event(t, s, m->kind, m->time_s, quiet(t, m->kind), NULL, m->text);
		rc = rc < 0 ? rc : 0;
		m->written = true;
	}
	return rc;
}

/* ---- when the transaction is over */

int64_t tell_committed(struct tell *t, struct sqlite *s)
{
	bool events = t->events;
	size_t i;

	t->events = false;

	for (i = 0; i < TELL_WAITING; i++) {
		t->message[i].waits &= !t->message[i].written;
		t->message[i].written = false;
	}
	t->introduced |= t->introducing;
	t->introducing = false;
	t->news |= t->gather != NULL;
	if (t->gather && fflush(t->gather) == 0 && t->lines_len > 0)
		(void)textlog_append(&t->exe_log, t->lines, t->lines_len);
	forget_lines(t);
	return events ? sqlite_number(s, "SELECT max(id) FROM event", 0) : 0;
}

void tell_undone(struct tell *t)
{
	size_t i;

	for (i = 0; i < TELL_WAITING; i++)
		t->message[i].written = false;
	t->introducing = false;
	t->events = false;
	forget_lines(t);
}
