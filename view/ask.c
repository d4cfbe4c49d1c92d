// SPDX-License-Identifier: GPL-2.0-or-later
/* ask.c - see ask.h. Memory is one row and what the format holds; SQLite sorts large answers on disk. */
#include "view/ask.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "config/log.h"
#include "view/buffer.h"
#include "view/db.h"

static sqlite3 *volatile interruptible;

static void interrupt(int sig)
{
	(void)sig;
	if (interruptible)
		sqlite3_interrupt(interruptible); /* sets a flag: safe here */
}

void ask_interrupted_by_sigint(sqlite3 *db)
{
	struct sigaction action = {.sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND}, old;

	interruptible = db;
	if (sigaction(SIGINT, NULL, &old) == 0 && old.sa_handler == SIG_IGN)
		return; /* a job in the background: Ctrl-C is not meant for it */
	if (!db)
		action.sa_handler = SIG_DFL;
	sigaction(SIGINT, &action, NULL);
}

static enum unit unit_of(const char *name, bool bytes)
{
	static const struct {
		const char *name;
		enum unit unit;
	} units[] = {
		{"send", UNIT_BYTES},	     {"recv", UNIT_BYTES},	  {"bytes", UNIT_BYTES},
		{"tunnel_send", UNIT_BYTES}, {"tunnel_recv", UNIT_BYTES}, {"exe", UNIT_PATH},
		{"pexe", UNIT_PATH},	     {"gpexe", UNIT_PATH},	  {"sha256", UNIT_DIGEST},
		{"why", UNIT_SENTENCE},	     {"meaning", UNIT_SENTENCE},  {"advice", UNIT_SENTENCE},
	};
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(name, units[i].name))
			return units[i].unit == UNIT_BYTES && !bytes ? UNIT_NONE : units[i].unit;
	return UNIT_NONE;
}

/* Names of the columns; one that was there before gets ":2", so that no JSON object has a key twice. */
static int name_columns(sqlite3_stmt *stmt, size_t n, bool bytes, struct column *columns,
			struct buffer *names)
{
	size_t i, j, same;
	const char *name;
	char *at;

	for (i = 0; i < n; i++) {
		name = sqlite3_column_name(stmt, (int)i);
		if (!name)
			return -ENOMEM;
		for (j = 0, same = 1; j < i; j++)
			same += !strcmp(name, sqlite3_column_name(stmt, (int)j));
		if (same > 1)
			buffer_printf(names, "%s:%zu", name, same);
		else
			buffer_text(names, name);
		buffer_add(names, "", 1);
		columns[i].unit = unit_of(name, bytes);
	}
	if (names->failed)
		return -ENOMEM;
	for (i = 0, at = names->data; i < n; i++, at += strlen(at) + 1)
		columns[i].name = at;
	return 0;
}

static void read_cell(sqlite3_stmt *stmt, int i, struct cell *cell)
{
	*cell = (struct cell){.kind = CELL_NULL};
	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_INTEGER:
		cell->kind = CELL_INTEGER;
		cell->integer = sqlite3_column_int64(stmt, i);
		return;
	case SQLITE_FLOAT:
		cell->kind = CELL_REAL;
		cell->real = sqlite3_column_double(stmt, i);
		return;
	case SQLITE_TEXT:
		cell->kind = CELL_TEXT;
		cell->bytes = (const char *)sqlite3_column_text(stmt, i);
		break;
	case SQLITE_BLOB:
		cell->kind = CELL_BLOB;
		cell->bytes = sqlite3_column_blob(stmt, i);
		break;
	default:
		return;
	}
	cell->len = cell->bytes ? (size_t)sqlite3_column_bytes(stmt, i) : 0;
	if (!cell->bytes)
		cell->bytes = "";
}

/* -errno of a format is said here: nobody else knows that it was the output. */
static int step_rows(sqlite3 *db, sqlite3_stmt *stmt, const struct query *q, const struct format *format,
		     const struct output *to, void *state, struct cell *cells, struct answer *answer)
{
	size_t i;
	int rc;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (q->limit && answer->rows == q->limit) {
			answer->more = true;
			return 0;
		}
		for (i = 0; i < to->n_columns; i++)
			read_cell(stmt, (int)i, &cells[i]);
		rc = format->row(to, state, cells);
		if (rc)
			return rc;
		answer->rows++;
	}
	return rc == SQLITE_DONE ? 0 : db_error(db, NULL) == -EINTR ? -EINTR : -EPROTO;
}

static int write_rows(sqlite3 *db, sqlite3_stmt *stmt, const struct query *q, const struct format *format,
		      struct output *to, struct answer *answer)
{
	struct column *columns = calloc(to->n_columns, sizeof(*columns));
	struct cell *cells = calloc(to->n_columns, sizeof(*cells));
	struct buffer names = {0};
	void *state = NULL;
	int rc = -ENOMEM, end;

	if (!columns || !cells)
		goto out;
	rc = name_columns(stmt, to->n_columns, q->question->argument != QUERY_SQL, columns, &names);
	if (rc)
		goto out;
	to->columns = columns;
	rc = format->begin(to, &state);
	if (!rc)
		rc = step_rows(db, stmt, q, format, to, state, cells, answer);
	end = format->end(to, state, rc != 0);
	rc = rc ? rc : end;
	if (!rc && fflush(to->to) != 0)
		rc = -errno;
out:
	if (rc && rc != -EINTR && rc != -EPROTO) {
		errno = -rc;
		log_warn("cannot write the answer");
	}
	to->columns = NULL;
	buffer_free(&names);
	free(columns);
	free(cells);
	return rc;
}

static int prepare(sqlite3 *db, const struct query *q, const char *sql, sqlite3_stmt **stmt)
{
	int rc = db_prepare(db, sql, stmt);

	return rc ? rc : query_bind(q, *stmt);
}

int ask_rows(sqlite3 *db, const struct query *q, const struct format *format, struct output *to,
	     struct answer *answer)
{
	struct query more = *q; /* one row more than wanted tells that there are more */
	sqlite3_stmt *stmt = NULL;
	int rc;

	*answer = (struct answer){0};
	more.limit += more.limit != 0;
	rc = prepare(db, &more, q->question->sql ? q->question->sql : q->argument, &stmt);
	if (rc)
		goto out;
	to->n_columns = (size_t)sqlite3_column_count(stmt);
	if (to->n_columns)
		rc = write_rows(db, stmt, q, format, to, answer);
out:
	sqlite3_finalize(stmt);
	return rc;
}

int ask_number(sqlite3 *db, const struct query *q, const char *sql, int64_t *number)
{
	sqlite3_stmt *stmt = NULL;
	int rc = prepare(db, q, sql, &stmt), step;

	if (rc)
		goto out;
	step = sqlite3_step(stmt);
	if (step == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
		*number = sqlite3_column_int64(stmt, 0);
	else
		rc = step == SQLITE_ROW || step == SQLITE_DONE ? -ENOENT : db_error(db, NULL);
out:
	sqlite3_finalize(stmt);
	return rc;
}

int ask_texts(sqlite3 *db, const struct query *q, const char *sql, void (*each)(void *, const char *, size_t),
	      void *arg)
{
	sqlite3_stmt *stmt = NULL;
	const unsigned char *text;
	int rc = prepare(db, q, sql, &stmt), step = SQLITE_DONE;

	while (!rc && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
		text = sqlite3_column_text(stmt, 0);
		if (text)
			each(arg, (const char *)text, (size_t)sqlite3_column_bytes(stmt, 0));
	}
	if (!rc && step != SQLITE_DONE)
		rc = db_error(db, NULL);
	sqlite3_finalize(stmt);
	return rc;
}
