// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * db.c - see db.h. A database in WAL mode needs its -shm file, or a directory where one can be made. A copy
 * on read-only ground has neither: without a -wal nobody writes it, and it is opened as immutable.
 */
#include "view/db.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/log.h"
#include "store/schema.h"
#include "view/network.h"
#include "view/text.h"

static bool has_name(const char *const *names, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strcasecmp(names[i], name))
			return true;
	return false;
}

/* A PRAGMA that only tells. With a value behind it, any of the second list would set something. */
static bool pragma_tells(const char *name, const char *value)
{
	static const char *const with_value[] = {
		"table_info",  "table_xinfo", "table_list",	 "index_list",	     "index_info",
		"index_xinfo", "quick_check", "integrity_check", "foreign_key_list", "foreign_key_check",
	};
	static const char *const bare[] = {
		"user_version",	 "application_id", "schema_version", "data_version",	"page_count",
		"page_size",	 "freelist_count", "encoding",	     "journal_mode",	"auto_vacuum",
		"database_list", "function_list",  "collation_list", "compile_options", "pragma_list",
		"module_list",	 "synchronous",	   "cache_size",     "mmap_size",
	};

	return has_name(with_value, sizeof(with_value) / sizeof(with_value[0]), name) ||
	       (!value && has_name(bare, sizeof(bare) / sizeof(bare[0]), name));
}

static int authorize(void *arg, int action, const char *first, const char *second, const char *third,
		     const char *trigger)
{
	(void)arg;
	(void)third;
	(void)trigger;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_UPDATE: /* asked by SQLite 3.40 for pragma_table_info() as a table; nobody can do it */
		return first && !strcmp(first, "sqlite_master") ? SQLITE_OK : SQLITE_DENY;
	case SQLITE_FUNCTION: /* its name comes second */
		return second && !strcasecmp(second, "load_extension") ? SQLITE_DENY : SQLITE_OK;
	case SQLITE_PRAGMA:
		return first && pragma_tells(first, second) ? SQLITE_OK : SQLITE_DENY;
	default: /* everything that writes, ATTACH, DETACH, transactions, temporary objects */
		return SQLITE_DENY;
	}
}

/* The network is mostly the same for all rows of a statement: it is parsed once. */
static const struct network *network_of(sqlite3_context *ctx, sqlite3_value *value)
{
	struct network *net = sqlite3_get_auxdata(ctx, 1);

	if (net)
		return net;
	net = sqlite3_malloc(sizeof(*net));
	if (!net || network_parse((const char *)sqlite3_value_text(value), net)) {
		sqlite3_free(net);
		return NULL;
	}
	sqlite3_set_auxdata(ctx, 1, net, sqlite3_free);
	return sqlite3_get_auxdata(ctx, 1);
}

static void in_network(sqlite3_context *ctx, int n, sqlite3_value **values)
{
	const struct network *net = network_of(ctx, values[1]);
	struct network host;

	(void)n;
	if (net && !network_parse((const char *)sqlite3_value_text(values[0]), &host) && host.is_host)
		sqlite3_result_int(ctx, network_holds(net, &host));
}

/* Who may read: the group of the directory, unless that is the person's own or root's. */
static void say_no_permission(const char *path)
{
	struct passwd *who = getpwuid(getuid());
	const char *user = who ? who->pw_name : "NAME";
	char dir[PATH_MAX];
	struct group *group = NULL;
	struct stat st;

	snprintf(dir, sizeof(dir), "%s", path);
	if (stat(dirname(dir), &st) == 0 && st.st_gid != 0 && st.st_gid != getgid())
		group = getgrgid(st.st_gid);
	log_warnx("%s: you may not read it", path);
	log_warnx("members of the group %s may: sudo usermod -aG %s %s, then log in again (or ask as root)",
		  group ? group->gr_name : "femtosnitch", group ? group->gr_name : "femtosnitch", user);
}

static void say_not_there(const char *path)
{
	log_warnx("%s: there is no log yet", path);
	log_warnx("start it with: sudo femtosnitch start (or, in the foreground: sudo femtosnitch run)");
	log_warnx("a log elsewhere is named with --state-dir DIR or --db FILE");
}

/* Can the file be read at all? Before SQLite holds locks on it: closing any fd of a file drops them. */
static int check_file(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = -errno;

	if (fd < 0) {
		if (rc == -ENOENT || rc == -ENOTDIR)
			say_not_there(path);
		else if (rc == -EACCES || rc == -EPERM)
			say_no_permission(path);
		else
			log_warn("%s", path);
		return rc;
	}
	rc = fstat(fd, &st) != 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	close(fd);
	if (rc)
		log_warnx("%s: not a regular file", path);
	return rc;
}

/* Is anything in the file that stands beside the database? -EACCES: there, but not for us. */
static int beside(const char *path, const char *suffix, off_t *size)
{
	char name[PATH_MAX + 8];
	struct stat st;

	*size = 0;
	snprintf(name, sizeof(name), "%s%s", path, suffix);
	if (stat(name, &st) != 0)
		return -errno;
	*size = st.st_size;
	return access(name, R_OK) == 0 ? 0 : -errno;
}

/* Did it fail because a -wal or -shm would have to be made, and cannot be? */
static bool wants_files(sqlite3 *db)
{
	int code = sqlite3_errcode(db);

	return code == SQLITE_CANTOPEN || code == SQLITE_READONLY;
}

/* Nobody has it open, and all of it is in the one file: a writer would have a -shm. */
static bool is_still(const char *path)
{
	off_t size;

	return beside(path, "-shm", &size) == -ENOENT && beside(path, "-wal", &size) != -EACCES && size == 0;
}

/* file:PATH?immutable=1, the characters of a URI escaped. */
static int open_immutable(sqlite3 **db, const char *path)
{
	char uri[3 * PATH_MAX + 32] = "file:", *at = uri + 5;

	for (; *path && at < uri + sizeof(uri) - 20; path++)
		if (strchr("%?#", *path))
			at += sprintf(at, "%%%02x", (unsigned char)*path);
		else
			*at++ = *path;
	strcpy(at, "?immutable=1");
	return sqlite3_open_v2(uri, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
}

/* One PRAGMA that gives a number. SQLITE_OK or the error. */
static int pragma_number(sqlite3 *db, const char *sql, int *number)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		*number = sqlite3_column_int(stmt, 0);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	return rc;
}

/* Does it answer? The first read finds out. */
static int probe(sqlite3 *db, int *version)
{
	int schema;

	sqlite3_busy_timeout(db, DB_BUSY_MS);
	return pragma_number(db, "PRAGMA user_version", version) == SQLITE_OK
		       ? pragma_number(db, "PRAGMA schema_version", &schema)
		       : sqlite3_errcode(db);
}

static int say_unreadable(sqlite3 *db, const char *path)
{
	off_t size;

	switch (sqlite3_errcode(db)) {
	case SQLITE_NOTADB:
		log_warnx("%s: not a database", path);
		return -EINVAL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		log_warnx("%s: another program has held it for %d seconds: try again", path,
			  DB_BUSY_MS / 1000);
		return -EBUSY;
	case SQLITE_CORRUPT:
		log_warnx("%s: damaged: %s", path, sqlite3_errmsg(db));
		return -EIO;
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
		if (beside(path, "-wal", &size) == -EACCES || beside(path, "-shm", &size) == -EACCES) {
			say_no_permission(path);
			return -EACCES;
		}
		log_warnx("%s: its -shm file is missing and cannot be made here: ask as root", path);
		return -EACCES;
	default:
		log_warnx("%s: %s", path, sqlite3_errmsg(db));
		return -EIO;
	}
}

static int check_version(const char *path, int version)
{
	if (version > SCHEMA_VERSION) {
		log_warnx(
			"%s: made by a newer femtosnitch (schema %d, this program knows %d): update this one",
			path, version, SCHEMA_VERSION);
		return -EINVAL;
	}
	if (version == 0) {
		log_warnx("%s: a database, but not one of femtosnitch", path);
		return -EINVAL;
	}
	if (version < SCHEMA_VERSION)
		log_warnx("%s: of an older femtosnitch (schema %d of %d): some questions may fail until the "
			  "daemon has been started once",
			  path, version, SCHEMA_VERSION);
	return 0;
}

/* What is asked from here on is foreign. */
static int lock_down(sqlite3 *db)
{
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	if (sqlite3_create_function(db, "in_network", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, in_network,
				    NULL, NULL) != SQLITE_OK)
		return -ENOMEM;
	sqlite3_set_authorizer(db, authorize, NULL);
	return 0;
}

int db_open(sqlite3 **out, const char *path)
{
	char real[PATH_MAX]; /* absolute: SQLite gives other meanings to "file:" and ":memory:" */
	sqlite3 *db = NULL;
	int version = 0, rc = check_file(path);

	if (rc)
		return rc;
	if (!realpath(path, real)) {
		rc = -errno;
		log_warn("%s", path);
		return rc;
	}
	if (sqlite3_open_v2(real, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK || probe(db, &version)) {
		if (db && wants_files(db) && is_still(real)) {
			sqlite3_close(db);
			db = NULL;
			open_immutable(&db, real);
			probe(db, &version);
		}
		if (!db || sqlite3_errcode(db) != SQLITE_OK) {
			rc = db ? say_unreadable(db, path) : -ENOMEM;
			goto out;
		}
	}
	rc = check_version(path, version);
	if (!rc)
		rc = lock_down(db);
out:
	if (rc)
		sqlite3_close(db);
	else
		*out = db;
	return rc;
}

/* The line of sql that holds the place, and a caret under it. */
static void show_place(const char *sql, int offset)
{
	const char *line = sql + offset, *end = sql + offset;
	struct buffer b = {0};
	size_t before;

	while (line > sql && line[-1] != '\n')
		line--;
	end += strcspn(end, "\n");
	text_terminal(&b, line, (size_t)(sql + offset - line));
	before = text_width(b.data ? b.data : "", b.len);
	text_terminal(&b, sql + offset, (size_t)(end - (sql + offset)));
	fprintf(stderr, "  %.*s\n  %*s^\n", (int)b.len, b.data ? b.data : "", (int)before, "");
	buffer_free(&b);
}

int db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **stmt)
{
	const char *rest;
	int rc = sqlite3_prepare_v3(db, sql, -1, 0, stmt, &rest);

	if (rc == SQLITE_AUTH) {
		log_warnx("refused: the log is only read here (%s)", sqlite3_errmsg(db));
		return -EINVAL;
	}
	if (rc != SQLITE_OK) {
		log_warnx("%s", sqlite3_errmsg(db));
#if SQLITE_VERSION_NUMBER >= 3038000
		if (sqlite3_error_offset(db) >= 0)
			show_place(sql, sqlite3_error_offset(db));
#endif
		return -EINVAL;
	}
	if (!*stmt) {
		log_warnx("there is no statement in it");
		return -EINVAL;
	}
	rest += strspn(rest, " \t\r\n;");
	if (*rest || !sqlite3_stmt_readonly(*stmt)) {
		log_warnx(*rest ? "one statement at a time" : "refused: the log is only read here");
		sqlite3_finalize(*stmt);
		*stmt = NULL;
		return -EINVAL;
	}
	return 0;
}

int db_error(sqlite3 *db, const char *during)
{
	int code = sqlite3_errcode(db);

	if (code == SQLITE_INTERRUPT)
		return -EINTR;
	log_warnx("%s%s%s", during ? during : "", during ? ": " : "",
		  code == SQLITE_BUSY ? "another program holds the database: try again" : sqlite3_errmsg(db));
	return code == SQLITE_NOMEM ? -ENOMEM : -EIO;
}
