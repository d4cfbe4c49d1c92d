// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * known.c - see known.h. SQLite makes the JSON of each key, row by row, so that no list is ever in memory.
 */
#include "store/known.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/schema.h"

/* One "key": value a row, sorted; ?1: verdicts are asked for. Verdicts that nobody gave are said in the
 * seed's words. */
static const struct {
	const char *name, *sql;
} parts[] = {
	{"Executables", "SELECT exe, json_group_array(DISTINCT name) FROM program WHERE told & 1 AND exe IS "
			"NOT NULL GROUP BY exe"
			" HAVING ?1 IS NOT NULL ORDER BY exe"},
	{"Names", "SELECT name, json_group_array(DISTINCT exe) FROM program WHERE told & 1 AND name IS NOT "
		  "NULL GROUP BY"
		  " name HAVING ?1 IS NOT NULL ORDER BY name"},
	{"Parent Executables", "SELECT exe, json_group_array(DISTINCT name) FROM program WHERE first_parent "
			       "IS NOT NULL AND exe IS NOT"
			       " NULL GROUP BY exe HAVING ?1 IS NOT NULL ORDER BY exe"},
	{"Parent Names", "SELECT name, json_group_array(DISTINCT exe) FROM program WHERE first_parent IS NOT "
			 "NULL AND name IS NOT"
			 " NULL GROUP BY name HAVING ?1 IS NOT NULL ORDER BY name"},
	{"SHA256", "SELECT exe, json_group_object(sha, status) FROM (SELECT DISTINCT exe, " SCHEMA_SHA256(
			   "sha256") " AS sha,"
				     " coalesce(verdict, CASE WHEN ?1 THEN 'VT Pending' ELSE 'File not "
				     "analyzed (no api key)' END) AS status"
				     " FROM program WHERE (told & 1 OR first_parent IS NOT NULL) AND exe IS "
				     "NOT NULL AND length(sha256) > 0)"
				     " GROUP BY exe ORDER BY exe"},
};

/* A JSON string. The log's text is valid UTF-8. */
static void put_string(FILE *f, const char *text)
{
	putc('"', f);
	for (; *text; text++)
		if (*text == '"' || *text == '\\')
			fprintf(f, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			fprintf(f, "\\u%04x", *text);
		else
			putc(*text, f);
	putc('"', f);
}

static int put_part(FILE *f, struct sqlite *s, size_t part, bool verdicts)
{
	sqlite3_stmt *stmt = sqlite_statement(s, parts[part].sql);
	const char *between = "\n    ";
	int rc;

	fprintf(f, "%s\n  \"%s\": {", part ? "," : "", parts[part].name);
	sqlite3_bind_int(stmt, 1, verdicts);
	while ((rc = sqlite_step(s, stmt)) == 1) {
		fputs(between, f);
		put_string(f, (const char *)sqlite3_column_text(stmt, 0) ?: "");
		fprintf(f, ": %s", (const char *)sqlite3_column_text(stmt, 1) ?: "null");
		between = ",\n    ";
	}
	fputs("\n  }", f);
	return rc;
}

static int write_file(struct sqlite *s, const char *path, bool verdicts)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640), rc = 0;
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	size_t i;

	if (!f) {
		rc = -errno;
		if (fd >= 0)
			close(fd);
		return rc;
	}
	putc('{', f);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]) && rc == 0; i++)
		rc = put_part(f, s, i, verdicts);
	fputs("\n}\n", f);
	if (ferror(f) && rc == 0)
		rc = -EIO;
	if (fclose(f) != 0 && rc == 0)
		rc = -errno;
	return rc;
}

int known_write(struct sqlite *s, const char *dir, bool verdicts)
{
	char path[PATH_MAX], fresh[PATH_MAX];
	int rc;

	if (snprintf(path, sizeof(path), "%s/" KNOWN_FILE, dir) >= (int)sizeof(path) ||
	    snprintf(fresh, sizeof(fresh), "%s/" KNOWN_FILE ".new", dir) >= (int)sizeof(fresh))
		return -ENAMETOOLONG;
	rc = write_file(s, fresh, verdicts);
	if (rc == 0 && rename(fresh, path) != 0)
		rc = -errno;
	if (rc != 0)
		(void)unlink(fresh);
	return rc;
}
