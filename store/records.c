// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * records.c - see records.h. Addresses and accounts; programs, images and places are in identity.c.
 */
#include "store/records.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "store/identity.h"
#include "store/mix.h"
#include "store/text.h"

#define CACHE_MIN 64
#define CACHE_MAX 16384 /* 32 bytes each */
#define ACCOUNTS_MAX 64
#define PASSWD "/etc/passwd"

struct cached_address {
	uint8_t addr[16];
	uint32_t hour; /* 0 = empty */
	uint16_t family;
	int64_t id;
};

struct records {
	struct sqlite *db;
	struct cached_address *cache; /* direct-mapped */
	size_t cache_size;
	uint32_t account[ACCOUNTS_MAX]; /* uids already looked up, direct-mapped */
	bool account_known[ACCOUNTS_MAX];
	uint64_t forgotten;	      /* how often: ids of names are of one time between */
	struct timespec passwd_mtime; /* when they were */
};

struct records *records_new(struct sqlite *db)
{
	struct records *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->db = db;
	r->forgotten = 1;
	return r;
}

void records_free(struct records *r)
{
	if (!r)
		return;
	free(r->cache);
	free(r);
}

void records_forget(struct records *r)
{
	if (r->cache)
		memset(r->cache, 0, r->cache_size * sizeof(*r->cache));
	memset(r->account_known, 0, sizeof(r->account_known));
	r->forgotten++;
}

void records_expect(struct records *r, size_t n)
{
	size_t size = CACHE_MIN;

	while (size < n && size < CACHE_MAX)
		size *= 2;
	if (n > 0 && size <= r->cache_size && size * 16 > r->cache_size)
		return;
	free(r->cache);
	r->cache = NULL;
	r->cache_size = 0;
	if (n == 0)
		return;
	r->cache = calloc(size, sizeof(*r->cache));
	if (r->cache)
		r->cache_size = size;
}

int64_t records_program(struct records *r, struct program *p, int64_t now_s)
{
	return identity_program(r->db, p, now_s);
}

int64_t records_image(struct records *r, struct image *i, int64_t now_s, bool log_commands)
{
	return identity_image(r->db, i, now_s, log_commands);
}

int64_t records_place(struct records *r, struct place *p, int64_t now_s)
{
	return identity_place(r->db, p, now_s);
}

struct interned {
	const char *find, *touch, *add;
};

#define INTERNED(table, columns, values)                                                                     \
	{                                                                                                    \
		"SELECT id, last_hour FROM " table " WHERE text = ?1",                                       \
			"UPDATE " table " SET last_hour = max(last_hour, ?2) WHERE id = ?1",                 \
			"INSERT INTO " table "(text, last_hour" columns ") VALUES(?1, ?2" values ")"         \
	}

static const struct interned addresses = INTERNED("address", "", ""),
			     domains = INTERNED("domain", ", reversed", ", ?3");

/* more: a third column of rows that are made, or NULL. */
static int64_t text_id(struct records *r, const struct interned *table, const char *text, const char *more,
		       int64_t now_s)
{
	int64_t hour = now_s - now_s % 3600, id = 0, known = 0;
	sqlite3_stmt *stmt = sqlite_statement(r->db, table->find);
	int rc;

	sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC);
	if ((rc = sqlite_step(r->db, stmt)) == 1) {
		id = sqlite3_column_int64(stmt, 0);
		known = sqlite3_column_int64(stmt, 1);
		sqlite3_reset(stmt);
	}
	if (rc < 0 || (id && known >= hour))
		return rc < 0 ? rc : id;
	stmt = sqlite_statement(r->db, id ? table->touch : table->add);
	if (id)
		sqlite3_bind_int64(stmt, 1, id);
	else
		sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, hour);
	if (!id && more)
		sqlite3_bind_text(stmt, 3, more, -1, SQLITE_STATIC);
	rc = sqlite_run(r->db, stmt);
	if (rc < 0)
		return rc;
	return id ? id : sqlite3_last_insert_rowid(r->db->db);
}

/* "www.example.com" as "com.example.www.": a domain and all below it begin alike, and stand together. */
static void reverse(char *to, const char *text)
{
	const char *end = text + strlen(text), *at;

	for (; end >= text; end = at - 1) {
		for (at = end; at > text && at[-1] != '.'; at--)
			;
		to = mempcpy(to, at, (size_t)(end - at));
		*to++ = '.';
	}
	*to = '\0';
}

int64_t records_name(struct records *r, struct name *n, int64_t now_s)
{
	int64_t hour = now_s - now_s % 3600, id;
	char reversed[WIRE_DOMAIN_MAX + 1];

	if (n->row_of == r->forgotten && n->id && n->last_hour_s >= hour)
		return n->id;
	reverse(reversed, n->text);
	id = text_id(r, &domains, n->text, reversed, now_s);
	if (id < 0)
		return id;
	n->id = id;
	n->row_of = r->forgotten;
	n->last_hour_s = hour;
	return id;
}

int64_t records_no_name(struct records *r, int64_t now_s)
{
	return text_id(r, &domains, "", NULL, now_s);
}

static size_t address_slot(const struct records *r, int family, const uint8_t addr[16])
{
	return (size_t)mix((uint64_t)family, addr, 16) & (r->cache_size - 1);
}

int64_t records_address(struct records *r, int family, const uint8_t addr[16], int64_t now_s)
{
	uint32_t hour = (uint32_t)(now_s / 3600);
	struct cached_address *c = NULL;
	char text[TEXT_ADDRESS_SIZE];
	int64_t id;

	if (!text_address(text, family, addr))
		text[0] = '\0';
	if (r->cache) {
		c = &r->cache[address_slot(r, family, addr)];
		if (c->hour == hour && c->family == family && memcmp(c->addr, addr, sizeof(c->addr)) == 0)
			return c->id;
	}
	id = text_id(r, &addresses, text, NULL, now_s);
	if (id > 0 && c) {
		memcpy(c->addr, addr, sizeof(c->addr));
		c->family = (uint16_t)family;
		c->hour = hour;
		c->id = id;
	}
	return id;
}

/* The local list only: a directory server may not answer, and its library is as large as all of us. The
 * caller frees. NULL: no such user. */
static char *account_name(uint32_t uid)
{
	FILE *file = fopen(PASSWD, "re");
	struct passwd *pw;
	char *name = NULL;

	if (!file)
		return NULL;
	while (!name && (pw = fgetpwent(file)))
		if (pw->pw_uid == uid)
			name = text_clean(pw->pw_name, strlen(pw->pw_name));
	fclose(file);
	return name;
}

static void notice_new_accounts(struct records *r)
{
	struct stat st;

	if (stat(PASSWD, &st) != 0)
		return;
	if (st.st_mtim.tv_sec != r->passwd_mtime.tv_sec || st.st_mtim.tv_nsec != r->passwd_mtime.tv_nsec)
		memset(r->account_known, 0, sizeof(r->account_known));
	r->passwd_mtime = st.st_mtim;
}

int records_account(struct records *r, uint32_t uid)
{
	static const char add[] =
		"INSERT INTO account(uid, name) VALUES(?1, ?2)"
		" ON CONFLICT(uid) DO UPDATE SET name = excluded.name WHERE name <> excluded.name";
	size_t slot = uid % ACCOUNTS_MAX;
	sqlite3_stmt *stmt;
	char *name;
	int rc = 0;

	if (r->account_known[slot] && r->account[slot] == uid)
		return 0;
	notice_new_accounts(r);
	name = account_name(uid);
	if (name) {
		stmt = sqlite_statement(r->db, add);
		sqlite3_bind_int64(stmt, 1, uid);
		sqlite3_bind_text(stmt, 2, name, -1, SQLITE_STATIC);
		rc = sqlite_run(r->db, stmt);
		free(name);
	}
	if (rc == 0) {
		r->account[slot] = uid;
		r->account_known[slot] = true;
	}
	return rc;
}
