// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rows.c - see rows.h.
 */
#include "store/import/rows.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/log.h"

/* Columns of the questions below */
enum at {
	AT_CONTIME,
	AT_SEND,
	AT_RECV,
	AT_EVENTS,
	AT_UID,
	AT_FAMILY,
	AT_PROTOCOL,
	AT_NETNS,
	AT_LPORT,
	AT_RPORT,
	AT_LADDR,
	AT_RADDR,
	AT_DOMAIN,
	AT_WHO, /* four each */
};

/* tables: name and columns, each followed by a space, "(" and ")". All must be there, as tables of the file.
 */
static const struct layout {
	int version;
	const char *tables;
	const char *sql;
} layouts[] = {
	{1,
	 "connections ( contime send recv exe name cmdline sha256 pexe pname pcmdline psha256 uid lport "
	 "rport laddr "
	 "raddr domain ) ",
	 "SELECT contime, send, recv, 1, uid, NULL, 0, 0, lport, rport, laddr, raddr, domain,"
	 " exe, name, cmdline, sha256, pexe, pname, pcmdline, psha256, NULL, NULL, NULL, NULL"
	 " FROM connections ORDER BY contime"},
	{2,
	 "connections ( contime send recv events exe_id pexe_id gpexe_id uid family protocol lport rport "
	 "laddr_id "
	 "raddr_id domain_id netns ) executables ( id exe name cmdline sha256 ) domains ( id domain ) "
	 "addresses ( id "
	 "addr ) ",
	 "SELECT c.contime, c.send, c.recv, c.events, c.uid, c.family, c.protocol, c.netns, c.lport, c.rport,"
	 " l.addr, r.addr, d.domain, e.exe, e.name, e.cmdline, e.sha256, p.exe, p.name, p.cmdline, p.sha256,"
	 " g.exe, g.name, g.cmdline, g.sha256 FROM connections c"
	 " LEFT JOIN executables e ON e.id = c.exe_id LEFT JOIN executables p ON p.id = c.pexe_id"
	 " LEFT JOIN executables g ON g.id = c.gpexe_id LEFT JOIN addresses l ON l.id = c.laddr_id"
	 " LEFT JOIN addresses r ON r.id = c.raddr_id LEFT JOIN domains d ON d.id = c.domain_id"
	 " ORDER BY c.contime"},
};

struct rows {
	struct foreign *file;
	sqlite3 *db;
	sqlite3_stmt *stmt;
	const struct layout *layout;
};

/* ---- which layout */

/* Is there a real table of that name? A view or a virtual table of that name is somebody's trap. */
static bool has_table(sqlite3 *db, const char *name, size_t len)
{
	static const char sql[] = "SELECT type, rootpage FROM sqlite_master WHERE name = ?1";
	sqlite3_stmt *stmt = NULL;
	bool found = false;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_bind_text(stmt, 1, name, (int)len, SQLITE_STATIC) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		found = sqlite3_column_int64(stmt, 1) > 0 &&
			strcmp((const char *)sqlite3_column_text(stmt, 0) ?: "", "table") == 0;
	sqlite3_finalize(stmt);
	return found;
}

static bool next_word(const char **at, const char **word, size_t *len)
{
	*word = *at;
	*len = strcspn(*at, " ");
	*at += *len + ((*at)[*len] == ' ');
	return *len > 0;
}

/* Columns are compared when the question is compiled. */
static bool has_tables(sqlite3 *db, const struct layout *l)
{
	const char *at = l->tables, *word;
	bool inside = false;
	size_t len;

	while (next_word(&at, &word, &len)) {
		if (*word == '(' || *word == ')')
			inside = *word == '(';
		else if (!inside && !has_table(db, word, len))
			return false;
	}
	return true;
}

static bool choose(struct rows *r)
{
	size_t i = sizeof(layouts) / sizeof(layouts[0]);

	/* the later ones first: they have more tables */
	while (!r->stmt && i-- > 0)
		if (has_tables(r->db, &layouts[i]) &&
		    sqlite3_prepare_v2(r->db, layouts[i].sql, -1, &r->stmt, NULL) == SQLITE_OK)
			r->layout = &layouts[i];
	return r->stmt;
}

struct rows *rows_open(struct foreign *file)
{
	struct rows *r = calloc(1, sizeof(*r));

	if (!r)
		fatalx("no memory");
	r->file = file;
	if ((r->db = foreign_database(file)) && choose(r))
		return r;
	if (r->db && sqlite3_errcode(r->db) != SQLITE_OK && sqlite3_errcode(r->db) != SQLITE_DONE &&
	    (sqlite3_errcode(r->db) & 0xff) != SQLITE_ERROR)
		log_warnx("%s: %s", file->path, sqlite3_errmsg(r->db));
	else if (r->db)
		log_warnx("%s: an SQLite database, but not laid out as picosnitch 1 or 2 do", file->path);
	rows_close(r);
	return NULL;
}

void rows_close(struct rows *r)
{
	if (!r)
		return;
	sqlite3_finalize(r->stmt);
	sqlite3_close(r->db);
	free(r);
}

int rows_version(const struct rows *r)
{
	return r->layout->version;
}

/* ---- values */

static struct rows_text text(struct rows *r, struct rows_row *row, int at)
{
	struct rows_text t = {.bytes = (const char *)sqlite3_column_text(r->stmt, at)};

	t.len = t.bytes ? (size_t)sqlite3_column_bytes(r->stmt, at) : 0;
	if (t.len > ROWS_TEXT_MAX) {
		t.len = ROWS_TEXT_MAX;
		row->cut++;
	}
	return t;
}

static int64_t number(struct rows *r, struct rows_row *row, int at, int64_t min, int64_t max)
{
	int64_t value = sqlite3_column_int64(r->stmt, at);

	if (sqlite3_column_type(r->stmt, at) != SQLITE_INTEGER)
		row->bad = "a number is none";
	else if (value < min || value > max)
		row->bad = "a number is out of range";
	return value;
}

static bool digits(const char *text, size_t from, size_t n, int *out)
{
	size_t i;

	*out = 0;
	for (i = from; i < from + n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*out = *out * 10 + text[i] - '0';
	}
	return true;
}

/* "YYYY-MM-DD HH:MM:SS", local time. In the hour that comes twice a year it may be either. -1: it is none. */
static int64_t local_time(const char *t, size_t len)
{
	struct tm tm = {.tm_isdst = -1};

	if (len != 19 || t[4] != '-' || t[7] != '-' || t[10] != ' ' || t[13] != ':' || t[16] != ':' ||
	    !digits(t, 0, 4, &tm.tm_year) || !digits(t, 5, 2, &tm.tm_mon) || !digits(t, 8, 2, &tm.tm_mday) ||
	    !digits(t, 11, 2, &tm.tm_hour) || !digits(t, 14, 2, &tm.tm_min) ||
	    !digits(t, 17, 2, &tm.tm_sec) || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 ||
	    tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return (int64_t)mktime(&tm);
}

static int64_t contime(struct rows *r, struct rows_row *row)
{
	struct rows_text t;
	int64_t at;

	if (sqlite3_column_type(r->stmt, AT_CONTIME) == SQLITE_INTEGER)
		return number(r, row, AT_CONTIME, 0, INT32_MAX * INT64_C(2));
	t = text(r, row, AT_CONTIME);
	at = t.bytes ? local_time(t.bytes, t.len) : -1;
	if (at < 0)
		row->bad = "the time is none";
	return at;
}

static void read_row(struct rows *r, struct rows_row *row)
{
	int i, at;

	row->send = number(r, row, AT_SEND, 0, INT64_C(1) << 50);
	row->recv = number(r, row, AT_RECV, 0, INT64_C(1) << 50);
	row->events = number(r, row, AT_EVENTS, 0, UINT32_MAX);
	row->uid = number(r, row, AT_UID, 0, UINT32_MAX - 1);
	row->family = r->layout->version > 1 ? number(r, row, AT_FAMILY, 0, UINT16_MAX) : -1;
	row->protocol = number(r, row, AT_PROTOCOL, 0, UINT16_MAX);
	row->netns = number(r, row, AT_NETNS, 0, UINT32_MAX);
	row->lport = number(r, row, AT_LPORT, -1, UINT16_MAX);
	row->rport = number(r, row, AT_RPORT, -1, UINT16_MAX);
	row->contime_s = contime(r, row);
	row->laddr = text(r, row, AT_LADDR);
	row->raddr = text(r, row, AT_RADDR);
	row->domain = text(r, row, AT_DOMAIN);
	for (i = 0; i < 3; i++) {
		at = AT_WHO + 4 * i;
		row->who[i].exe = text(r, row, at);
		row->who[i].name = text(r, row, at + 1);
		row->who[i].cmdline = text(r, row, at + 2);
		row->who[i].sha256 = text(r, row, at + 3);
	}
}

int rows_next(struct rows *r, struct rows_row *row)
{
	int code = sqlite3_step(r->stmt);

	memset(row, 0, sizeof(*row));
	if (code == SQLITE_ROW) {
		read_row(r, row);
		return 1;
	}
	if (code == SQLITE_DONE)
		return 0;
	log_warnx("%s: %s; what could be read before that is here", r->file->path, sqlite3_errmsg(r->db));
	return -EUCLEAN;
}

/* ---- the rest */

/* "table ( column column ) " */
static bool is_known(const struct layout *l, const char *table, const char *column)
{
	const char *at = l->tables, *word;
	bool inside = false, here = false;
	size_t len;

	while (next_word(&at, &word, &len)) {
		if (*word == '(' || *word == ')')
			inside = *word == '(';
		else if (!inside)
			here = strlen(table) == len && strncmp(table, word, len) == 0;
		if (here && (!column || (inside && strlen(column) == len && strncmp(column, word, len) == 0)))
			return true;
	}
	return false;
}

static void say_columns(struct rows *r, const char *table)
{
	sqlite3_stmt *stmt = NULL;
	char *sql = sqlite3_mprintf("SELECT * FROM \"%w\"", table);
	int i;

	if (sql && sqlite3_prepare_v2(r->db, sql, -1, &stmt, NULL) == SQLITE_OK)
		for (i = 0; i < sqlite3_column_count(stmt); i++)
			if (!is_known(r->layout, table, sqlite3_column_name(stmt, i)))
				log_info("%s: no counterpart: column %.64s of %s", r->file->path,
					 sqlite3_column_name(stmt, i), table);
	sqlite3_finalize(stmt);
	sqlite3_free(sql);
}

void rows_say_rest(struct rows *r)
{
	static const char sql[] = "SELECT name FROM sqlite_master WHERE type = 'table' LIMIT 100";
	sqlite3_stmt *stmt = NULL;
	const char *name;

	if (sqlite3_prepare_v2(r->db, sql, -1, &stmt, NULL) == SQLITE_OK)
		while (sqlite3_step(stmt) == SQLITE_ROW) {
			name = (const char *)sqlite3_column_text(stmt, 0) ?: "";
			if (is_known(r->layout, name, NULL))
				say_columns(r, name);
			else
				log_info("%s: no counterpart: table %.64s", r->file->path, name);
		}
	sqlite3_finalize(stmt);
}
