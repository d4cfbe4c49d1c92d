// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * foreign.c - see foreign.h.
 */
#include "store/import/foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/log.h"

#define MAGIC "SQLite format 3" /* and its NUL */
/* In the header of a database file (sqlite.org/fileformat2.html): 1 = rollback journal, 2 = WAL */
#define AT_PAGE_SIZE 16 /* 2 bytes, big-endian; 1 = 65536 */
#define AT_WRITE_VERSION 18
#define AT_READ_VERSION 19
#define AT_CHANGES 24
#define AT_PAGES 28 /* 4 bytes; right if the next is equal to the changes */
#define AT_PAGES_AT 92
#define HEADER_SIZE 100
#define VALUE_MAX (16 << 20) /* bytes of one text: more than any command line */

/* What was not written back yet is not in the file: it would be missing without a word. */
static int check_beside(const char *path, const char *suffix)
{
	char beside[PATH_MAX + 16];
	struct stat st;

	snprintf(beside, sizeof(beside), "%s%s", path, suffix);
	if (lstat(beside, &st) < 0 || st.st_size == 0)
		return 0;
	log_warnx("%s: its writer did not close it (%s is not empty): stop picosnitch, or if it crashed, let "
		  "SQLite "
		  "repair it: sqlite3 %s .tables",
		  path, beside, path);
	return -EBUSY;
}

static int check_file(const char *path, const struct stat *st)
{
	const char *why = NULL;

	if (!S_ISREG(st->st_mode))
		why = "not a file";
	else if (st->st_nlink > 1)
		why = "has a second name, perhaps of somebody else's file: copy it";
	else if (st->st_size == 0)
		why = "empty";
	if (why)
		log_warnx("%s: %s", path, why);
	return why ? -EINVAL : 0;
}

static enum foreign_kind look(const struct foreign *f)
{
	size_t at = 0;

	if (f->size >= HEADER_SIZE && memcmp(f->bytes, MAGIC, sizeof(MAGIC)) == 0)
		return FOREIGN_DATABASE;
	while (at < f->size && strchr(" \t\r\n", f->bytes[at]) && f->bytes[at])
		at++;
	return at < f->size && f->bytes[at] == '{' ? FOREIGN_JSON : FOREIGN_TOML;
}

/* Its size is that of now: who makes it shorter meanwhile ends us (SIGBUS), between two transactions. */
static int map(struct foreign *f, int fd)
{
	struct stat st;
	void *bytes;
	int rc;

	if (fstat(fd, &st) < 0) {
		log_warn("%s", f->path);
		return -errno;
	}
	if ((rc = check_file(f->path, &st)) != 0)
		return rc;
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
	if (bytes == MAP_FAILED) {
		log_warn("%s: mmap", f->path);
		return -errno;
	}
	f->bytes = bytes;
	f->size = (size_t)st.st_size;
	f->modified_s = st.st_mtim.tv_sec;
	f->kind = look(f);
	return 0;
}

int foreign_open(struct foreign *f, const char *path)
{
	int fd, rc;

	memset(f, 0, sizeof(*f));
	if (strlen(path) >= sizeof(f->path)) {
		log_warnx("%.64s...: path too long", path);
		return -ENAMETOOLONG;
	}
	strcpy(f->path, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		rc = -errno;
		if (errno == ELOOP)
			log_warnx("%s: a symbolic link: name the file itself", path);
		else
			log_warn("%s", path);
		return rc;
	}
	rc = map(f, fd);
	close(fd);
	if (rc == 0 && f->kind == FOREIGN_DATABASE &&
	    ((rc = check_beside(path, "-wal")) != 0 || (rc = check_beside(path, "-journal")) != 0))
		foreign_close(f);
	if (rc == 0 && f->kind != FOREIGN_DATABASE && f->size > FOREIGN_TEXT_MAX) {
		log_warnx("%s: larger than %u MB: not a file of picosnitch", path, FOREIGN_TEXT_MAX >> 20);
		foreign_close(f);
		rc = -EFBIG;
	}
	return rc;
}

void foreign_close(struct foreign *f)
{
	if (f->bytes)
		munmap(f->bytes, f->size);
	f->bytes = NULL;
}

/* A schema may hold expressions, views and triggers of anybody: only reading of columns is left (and
 * functions that SQLite calls innocuous, in computed columns). Pragmas are ours, asked before this is in
 * force. */
static int only_reading(void *arg, int action, const char *a, const char *b, const char *c, const char *d)
{
	(void)arg, (void)a, (void)b, (void)c, (void)d;
	return action == SQLITE_SELECT || action == SQLITE_READ ? SQLITE_OK : SQLITE_DENY;
}

static bool disarm(sqlite3 *db)
{
	sqlite3_extended_result_codes(db, 1);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, VALUE_MAX);
	return sqlite3_exec(db, "PRAGMA query_only=1; PRAGMA cell_size_check=1; PRAGMA cache_size=-1024",
			    NULL, NULL, NULL) == SQLITE_OK &&
	       sqlite3_set_authorizer(db, only_reading, NULL) == SQLITE_OK;
}

static uint64_t big_endian(const char *bytes, int n)
{
	uint64_t value = 0;

	while (n-- > 0)
		value = value << 8 | (unsigned char)*bytes++;
	return value;
}

/* SQLite would read what is missing of the last page as zeros. */
static bool is_cut(const struct foreign *f)
{
	uint64_t page = big_endian(f->bytes + AT_PAGE_SIZE, 2);

	page = page == 1 ? 65536 : page;
	if (memcmp(f->bytes + AT_CHANGES, f->bytes + AT_PAGES_AT, 4) != 0)
		return page > 0 && f->size % page != 0;
	return f->size < page * big_endian(f->bytes + AT_PAGES, 4);
}

sqlite3 *foreign_database(struct foreign *f)
{
	sqlite3 *db = NULL;
	int code;

	if (is_cut(f)) {
		log_warnx("%s: its end is missing; `sqlite3 %s .recover` shows what is left", f->path,
			  f->path);
		return NULL;
	}
	/* the writer has closed it, so its journal mode does not matter any more */
	f->bytes[AT_WRITE_VERSION] = f->bytes[AT_READ_VERSION] = 1;
	code = sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_deserialize(db, "main", (unsigned char *)f->bytes, (sqlite3_int64)f->size,
					   (sqlite3_int64)f->size, SQLITE_DESERIALIZE_READONLY);
	if (code == SQLITE_OK && disarm(db))
		return db;
	log_warnx("%s: %s", f->path, db ? sqlite3_errmsg(db) : "no memory");
	sqlite3_close(db);
	return NULL;
}
