// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/coverage.h"

#include <stdlib.h>
#include <string.h>

#include "config/log.h"

#define KERNEL "kernel "

void coverage_add(struct coverage *c, enum wire_stage stage, const char *text, size_t len)
{
	free(c->text[stage]);
	c->text[stage] = strndup(text, len);
	if (!c->text[stage])
		log_warnx("no memory for what is watched");
	c->waits = true;
}

void coverage_close(struct coverage *c)
{
	int stage;

	for (stage = 0; stage < WIRE_STAGE__MAX; stage++)
		free(c->text[stage]);
	memset(c, 0, sizeof(*c));
}

static bool takes(char **line, const char *begin)
{
	size_t len = strlen(begin);

	if (strncmp(*line, begin, len) != 0)
		return false;
	*line += len;
	return true;
}

/* Cuts "WHAT: WHY" or "WHAT (WHY)" in two; NULL: there is no why. */
static char *why(char *line)
{
	char *colon = strstr(line, ": "), *bracket = strstr(line, " (");
	size_t len = strlen(line);

	if (bracket && (!colon || bracket < colon) && line[len - 1] == ')') {
		line[len - 1] = '\0';
		*bracket = '\0';
		return bracket + 2;
	}
	if (!colon)
		return NULL;
	*colon = '\0';
	return colon + 2;
}

static bool ends(const char *text, const char *with)
{
	size_t len = strlen(text), end = strlen(with);

	return len >= end && strcmp(text + len - end, with) == 0;
}

void coverage_item(char *line, const char **item, const char **state, const char **reason)
{
	char *begin = line;

	*state = takes(&line, "NOT PROVEN: ") ? "not proven" : takes(&line, "refused ") ? "refused" : "noted";
	*item = line;
	*reason = line == begin && !strstr(line, ": ") ? NULL : why(line);
	if (line != begin || !*reason)
		return;
	if (strcmp(*reason, "proven") == 0) {
		*state = "proven";
		*reason = NULL;
	} else if (ends(*reason, " attached")) {
		*state = "attached";
	}
}

/* The line of the collector that names the kernel, without what is before the name; NULL: none. */
static char *kernel_of(const struct coverage *c)
{
	const char *line = c->text[WIRE_STAGE_COLLECTOR];

	for (; line && *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (strncmp(line, KERNEL, strlen(KERNEL)) == 0)
			return strndup(line + strlen(KERNEL), strcspn(line, "\n") - strlen(KERNEL));
	return NULL;
}

static int write_line(struct sqlite *s, const struct coverage *c, int stage, const char *kernel, char *line)
{
	static const char add[] = "INSERT INTO proof(start, stage, kernel, item, state, reason)"
				  " VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
	sqlite3_stmt *stmt = sqlite_statement(s, add);
	const char *item, *state, *reason;

	coverage_item(line, &item, &state, &reason);
	sqlite3_bind_int64(stmt, 1, c->start_s);
	sqlite3_bind_int(stmt, 2, stage);
	sqlite3_bind_text(stmt, 3, kernel, -1, SQLITE_STATIC); /* NULL is fine */
	sqlite3_bind_text(stmt, 4, item, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 5, state, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 6, reason, -1, SQLITE_STATIC);
	return sqlite_run(s, stmt);
}

static int write_stage(struct sqlite *s, const struct coverage *c, int stage, const char *kernel)
{
	char *text = c->text[stage] ? strdup(c->text[stage]) : NULL, *rest = text, *line;
	int rc = 0;

	while (rc == 0 && (line = strsep(&rest, "\n")))
		if (*line && strncmp(line, KERNEL, strlen(KERNEL)) != 0)
			rc = write_line(s, c, stage, kernel, line);
	free(text);
	return rc;
}

/* What was said of this start before is said again, whole. */
static int replace(struct coverage *c, struct sqlite *s)
{
	static const char forget[] = "DELETE FROM proof WHERE start = ?1 OR start <= (SELECT start FROM proof"
				     " GROUP BY start ORDER BY start DESC LIMIT 1 OFFSET ?2)";
	char *kernel = kernel_of(c);
	int stage, rc = sqlite_run2(s, forget, c->start_s, COVERAGE_STARTS_MAX - 1);

	for (stage = 0; stage < WIRE_STAGE__MAX && rc == 0; stage++)
		rc = write_stage(s, c, stage, kernel);
	free(kernel);
	return rc;
}

int coverage_write(struct coverage *c, struct sqlite *s)
{
	int rc;

	if (!c->waits)
		return 0;
	if ((rc = sqlite_begin(s)) != 0)
		return rc;
	if ((rc = replace(c, s)) != 0) {
		sqlite_rollback(s);
		return rc;
	}
	rc = sqlite_commit(s);
	c->waits = rc != 0;
	return rc;
}
