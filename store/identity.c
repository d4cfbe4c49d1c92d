// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * identity.c - see identity.h. A program whose hash is pending has a row of its own; when the hash comes,
 * that row takes it, or, if the same program is known already, everything that refers to it moves there.
 */
#include "store/identity.h"

#include <errno.h>
#include <string.h>

#include "store/chain.h"
#include "store/changes.h"
#include "store/mix.h"
#include "store/schema.h"

static void bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	if (text)
		sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(stmt, at);
}

static void bind_hash(sqlite3_stmt *stmt, int at, const struct program *p)
{
	if (p->hash_error == WIRE_HASH_OK)
		sqlite3_bind_blob(stmt, at, p->sha256, sizeof(p->sha256), SQLITE_STATIC);
	else
		sqlite3_bind_zeroblob(stmt, at, 0);
}

/* A row id and what it says, 0 = none, -errno. Pending rows are never shared:
 * each stands for its own file. */
static int64_t find_row(struct sqlite *s, const struct program *p, bool *network)
{
	static const char find[] =
		"SELECT id, first_network IS NOT NULL FROM program"
		" WHERE exe IS ?1 AND name IS ?2 AND sha256 = ?3 AND hash_error = ?4 LIMIT 1";
	sqlite3_stmt *stmt;
	int64_t id = 0;
	int rc;

	if (p->hash_error == WIRE_HASH_PENDING)
		return 0;
	stmt = sqlite_statement(s, find);
	bind_text(stmt, 1, p->exe);
	bind_text(stmt, 2, p->name);
	bind_hash(stmt, 3, p);
	sqlite3_bind_int(stmt, 4, p->hash_error);
	rc = sqlite_step(s, stmt);
	if (rc == 1) {
		id = sqlite3_column_int64(stmt, 0);
		*network = sqlite3_column_int(stmt, 1);
		sqlite3_reset(stmt);
	}
	return rc < 0 ? rc : id;
}

/* What is new about it: SCHEMA_SEEN_*, 0 = nothing that can be said (no hash, or none was known). own: its
 * row, which does not count. */
static int seen_as(struct sqlite *s, const struct program *p, int64_t own)
{
	static const char ask[] =
		"SELECT count(*), total(sha256 = ?2), total(length(sha256) > 0)"
		" FROM program WHERE exe IS ?1 AND id <> ?3 AND hash_error <> 1"; /* not pending */
	sqlite3_stmt *stmt = sqlite_statement(s, ask);
	int rows, equal, hashed, rc;

	bind_text(stmt, 1, p->exe);
	bind_hash(stmt, 2, p);
	sqlite3_bind_int64(stmt, 3, own);
	if ((rc = sqlite_step(s, stmt)) != 1)
		return rc;
	rows = sqlite3_column_int(stmt, 0);
	equal = sqlite3_column_int(stmt, 1);
	hashed = sqlite3_column_int(stmt, 2);
	sqlite3_reset(stmt);
	if (rows == 0)
		return SCHEMA_SEEN_NEW;
	if (p->hash_error != WIRE_HASH_OK || hashed == 0)
		return 0;
	return equal > 0 ? SCHEMA_SEEN_NAME : SCHEMA_SEEN_CHANGED;
}

static void bind_seen_as(sqlite3_stmt *stmt, int at, const struct program *p, int value)
{
	if (p->hash_error == WIRE_HASH_PENDING)
		sqlite3_bind_null(stmt, at);
	else
		sqlite3_bind_int(stmt, at, value);
}

static int64_t add_row(struct sqlite *s, const struct program *p, int64_t now_s)
{
	static const char add[] = "INSERT INTO program(exe, name, sha256, hash_error, first_seen, last_seen, "
				  "first_network, seen_as,"
				  " acknowledged) VALUES(?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8)";
	int news = seen_as(s, p, 0), rc;
	sqlite3_stmt *stmt;

	if (news < 0)
		return news;
	stmt = sqlite_statement(s, add);
	bind_text(stmt, 1, p->exe);
	bind_text(stmt, 2, p->name);
	bind_hash(stmt, 3, p);
	sqlite3_bind_int(stmt, 4, p->hash_error);
	sqlite3_bind_int64(stmt, 5, now_s);
	if (p->first_network_s)
		sqlite3_bind_int64(stmt, 6, p->first_network_s);
	else
		sqlite3_bind_null(stmt, 6);
	bind_seen_as(stmt, 7, p, news);
	sqlite3_bind_int(stmt, 8, p->self); /* our own programs are no news */
	rc = sqlite_run(s, stmt);
	return rc < 0 ? rc : sqlite3_last_insert_rowid(s->db);
}

/* 86400: the widest bucket. A pending row has no sums before the day of its first sight. */
#define MOVE_SUMS(table, keys, rest)                                                                         \
	"INSERT INTO " table "(" keys ", program, send, recv, connections)"                                  \
	" SELECT " keys ", ?2, send, recv, connections FROM " table " WHERE program = ?1 AND bucket >="      \
	" (SELECT first_seen / 86400 * 86400 FROM program WHERE id = ?1)"                                    \
	" ON CONFLICT(" rest ") DO UPDATE SET send = send + excluded.send, recv = recv + excluded.recv,"     \
	" connections = connections + excluded.connections"
#define DROP_SUMS(table)                                                                                     \
	"DELETE FROM " table " WHERE program = ?1 AND ?2 AND bucket >="                                      \
	" (SELECT first_seen / 86400 * 86400 FROM program WHERE id = ?1)"
#define PEER_KEYS "bucket, raddr, rport, protocol, direction, domain"

/* Everything that refers to one row is made to refer to the other. Rare: a hash that took longer than a
 * window, of a program that was known before. */
static int merge_rows(struct sqlite *s, int64_t from, int64_t to)
{
	static const char *const moves[] = {
		MOVE_SUMS("sum_5min", PEER_KEYS, PEER_KEYS ", program"),
		MOVE_SUMS("sum_hour", PEER_KEYS, PEER_KEYS ", program"),
		MOVE_SUMS("sum_day", PEER_KEYS, PEER_KEYS ", program"),
		MOVE_SUMS("total_5min", "bucket", "bucket, program"),
		MOVE_SUMS("total_hour", "bucket", "bucket, program"),
		MOVE_SUMS("total_day", "bucket", "bucket, program"),
		DROP_SUMS("sum_5min"),
		DROP_SUMS("sum_hour"),
		DROP_SUMS("sum_day"),
		DROP_SUMS("total_5min"),
		DROP_SUMS("total_hour"),
		DROP_SUMS("total_day"),
		"UPDATE image SET program = ?2 WHERE program = ?1",
		"UPDATE image SET script = ?2 WHERE script = ?1 AND script > 0",
		"UPDATE program SET last_seen = max(last_seen, (SELECT last_seen FROM program WHERE id = "
		"?1)),"
		" first_network = coalesce(first_network, (SELECT first_network FROM program WHERE id = ?1)),"
		" first_parent = coalesce(first_parent, (SELECT first_parent FROM program WHERE id = ?1)),"
		" acknowledged = max(acknowledged, (SELECT acknowledged FROM program WHERE id = ?1)),"
		" ignored = ignored + (SELECT ignored FROM program WHERE id = ?1) WHERE id = ?2",
		"DELETE FROM program WHERE id = ?1 AND ?2",
	};
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof(moves) / sizeof(moves[0]) && rc == 0; i++)
		rc = sqlite_run2(s, moves[i], from, to);
	return rc;
}

/* The hash of a row that was written as pending is known by now, or never will be. */
static int resolve_row(struct sqlite *s, struct program *p)
{
	static const char update[] =
		"UPDATE program SET sha256 = ?2, hash_error = ?3, seen_as = ?4, exe = ?5 WHERE id = ?1";
	bool network = false;
	int64_t same = find_row(s, p, &network);
	sqlite3_stmt *stmt;
	int news, rc;

	if (same < 0)
		return (int)same;
	if ((rc = chain_late(s, p->id)) != 0)
		return rc;
	if (same > 0 && same != p->id) {
		if ((rc = merge_rows(s, p->id, same)) != 0)
			return rc;
		p->id = same;
		p->row_error = p->hash_error;
		return 0;
	}
	news = seen_as(s, p, p->id);
	if (news < 0)
		return news;
	stmt = sqlite_statement(s, update);
	sqlite3_bind_int64(stmt, 1, p->id);
	bind_hash(stmt, 2, p);
	sqlite3_bind_int(stmt, 3, p->hash_error);
	bind_seen_as(stmt, 4, p, news);
	bind_text(stmt, 5, p->exe);
	rc = sqlite_run(s, stmt);
	if (rc == 0)
		p->row_error = p->hash_error;
	return rc;
}

static int tell_row(struct sqlite *s, struct program *p, int64_t now_s)
{
	static const char tell[] = "UPDATE program SET last_seen = max(last_seen, ?2),"
				   " first_network = coalesce(first_network, ?3) WHERE id = ?1";
	sqlite3_stmt *stmt = sqlite_statement(s, tell);
	int rc;

	sqlite3_bind_int64(stmt, 1, p->id);
	sqlite3_bind_int64(stmt, 2, now_s);
	if (p->first_network_s)
		sqlite3_bind_int64(stmt, 3, p->first_network_s);
	else
		sqlite3_bind_null(stmt, 3);
	rc = sqlite_run(s, stmt);
	if (rc == 0 && sqlite3_changes(s->db) == 0) {
		p->id = 0; /* retention removed it: found or made anew by the caller */
		return 0;
	}
	p->row_last_seen_s = now_s;
	p->row_network = p->row_network || p->first_network_s;
	return rc;
}

int identity_news(struct sqlite *s, struct program *p)
{
	static const char tell[] =
		"UPDATE program SET modified = coalesce(?2, modified), ignored = ignored + ?3"
		" WHERE id = ?1";
	sqlite3_stmt *stmt = sqlite_statement(s, tell);

	sqlite3_bind_int64(stmt, 1, p->id);
	if (p->modified_s)
		sqlite3_bind_int64(stmt, 2, p->modified_s);
	else
		sqlite3_bind_null(stmt, 2);
	sqlite3_bind_int64(stmt, 3, (int64_t)p->ignored_bytes);
	return sqlite_run(s, stmt);
}

static int known_parent(struct sqlite *s, int64_t id)
{
	static const char ask[] = "SELECT 1 FROM program WHERE id = ?1 AND first_parent IS NOT NULL";
	sqlite3_stmt *stmt = sqlite_statement(s, ask);
	int rc;

	sqlite3_bind_int64(stmt, 1, id);
	if ((rc = sqlite_step(s, stmt)) == 1)
		sqlite3_reset(stmt);
	return rc;
}

int identity_known(struct sqlite *s, struct program *p)
{
	int64_t id;

	if (!p->id) {
		if ((id = find_row(s, p, &p->row_network)) < 0)
			return (int)id;
		p->id = id;
		p->row_error = p->hash_error;
	}
	if (!p->id || p->row_error != p->hash_error || (p->first_network_s && !p->row_network))
		return 0;
	return p->first_parent_s ? known_parent(s, p->id) : 1;
}

int64_t identity_program(struct sqlite *s, struct program *p, int64_t now_s)
{
	int64_t id;
	int rc;

	if (!p->id) {
		id = find_row(s, p, &p->row_network);
		if (id == 0) {
			id = add_row(s, p, now_s);
			p->row_network = p->first_network_s;
			p->row_last_seen_s = now_s;
		}
		if (id < 0)
			return id;
		p->id = id;
		p->row_error = p->hash_error;
	}
	if (p->row_error != p->hash_error && (rc = resolve_row(s, p)) != 0)
		return rc;
	if (now_s > p->row_last_seen_s || (p->first_network_s && !p->row_network)) {
		rc = tell_row(s, p, now_s > p->row_last_seen_s ? now_s : p->row_last_seen_s);
		if (rc != 0)
			return rc;
	}
	return p->id ? p->id : identity_program(s, p, now_s);
}

/* The id in the row that a statement finds, 0 = none, -errno. */
static int64_t found_id(struct sqlite *s, sqlite3_stmt *stmt)
{
	int64_t id = 0;
	int rc = sqlite_step(s, stmt);

	if (rc == 1) {
		id = sqlite3_column_int64(stmt, 0);
		sqlite3_reset(stmt);
	}
	return rc < 0 ? rc : id;
}

/* True when the row was still there. */
static int touch(struct sqlite *s, const char *sql, int64_t id, int64_t hour)
{
	int rc = sqlite_run2(s, sql, id, hour);

	return rc < 0 ? rc : sqlite3_changes(s->db) > 0;
}

static void bind_place(sqlite3_stmt *stmt, int64_t identity, const struct place *p)
{
	sqlite3_bind_int64(stmt, 1, identity);
	bind_text(stmt, 2, p->runtime);
	bind_text(stmt, 3, p->container);
	bind_text(stmt, 4, p->unit);
	bind_text(stmt, 5, p->path);
}

static int64_t find_or_add_place(struct sqlite *s, const struct place *p, int64_t hour)
{
	static const char find[] =
		"SELECT id FROM place WHERE identity = ?1 AND runtime IS ?2 AND container IS ?3"
		" AND unit IS ?4 AND cgroup IS ?5";
	static const char add[] = "INSERT INTO place(identity, runtime, container, unit, cgroup, last_hour)"
				  " VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
	const char *const texts[] = {p->runtime, p->container, p->unit, p->path};
	uint64_t h = FNV1A_BASIS;
	sqlite3_stmt *stmt;
	int64_t id;
	size_t i;
	int rc;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		h = texts[i] ? fnv1a(h, texts[i], strlen(texts[i]) + 1) : fnv1a(h, "", 1);
	stmt = sqlite_statement(s, find);
	bind_place(stmt, (int64_t)h, p);
	if ((id = found_id(s, stmt)) != 0)
		return id;
	stmt = sqlite_statement(s, add);
	bind_place(stmt, (int64_t)h, p);
	sqlite3_bind_int64(stmt, 6, hour);
	rc = sqlite_run(s, stmt);
	return rc < 0 ? rc : sqlite3_last_insert_rowid(s->db);
}

int64_t identity_place(struct sqlite *s, struct place *p, int64_t now_s)
{
	static const char used[] = "UPDATE place SET last_hour = max(last_hour, ?2) WHERE id = ?1";
	int64_t hour = now_s - now_s % 3600, id = p->row;
	int rc;

	if (id && p->last_hour_s >= hour)
		return id;
	if (!id && (id = find_or_add_place(s, p, hour)) < 0)
		return id;
	if ((rc = touch(s, used, id, hour)) < 0)
		return rc;
	if (rc == 0 && (id = find_or_add_place(s, p, hour)) < 0) /* retention removed it */
		return id;
	p->row = id;
	p->last_hour_s = hour;
	return id;
}

/* What a row of image says, beside when it was used. */
struct image_row {
	int64_t program, parent, place, script, script_source, flags;
	const char *cmdline, *app;
};

static void bind_image(sqlite3_stmt *stmt, int64_t identity, const struct image_row *row)
{
	sqlite3_bind_int64(stmt, 1, identity);
	sqlite3_bind_int64(stmt, 2, row->program);
	sqlite3_bind_int64(stmt, 3, row->parent);
	bind_text(stmt, 4, row->cmdline);
	sqlite3_bind_int64(stmt, 5, row->place);
	sqlite3_bind_int64(stmt, 6, row->script);
	sqlite3_bind_int64(stmt, 7, row->script_source);
	sqlite3_bind_int64(stmt, 8, row->flags);
	bind_text(stmt, 9, row->app);
}

static uint64_t mix_known(uint64_t h, int64_t value)
{
	return value ? fnv1a(h, &value, sizeof(value)) : h;
}

/* Without what came with later versions the hash is what it was before. */
static int64_t image_identity(const struct image_row *row)
{
	uint64_t h = fnv1a(FNV1A_BASIS, &row->program, sizeof(row->program));

	h = fnv1a(h, &row->parent, sizeof(row->parent));
	h = row->cmdline ? fnv1a(h, row->cmdline, strlen(row->cmdline) + 1) : h;
	h = mix_known(mix_known(mix_known(mix_known(h, row->place), row->script), row->script_source),
		      row->flags);
	return (int64_t)(row->app ? fnv1a(h, row->app, strlen(row->app)) : h);
}

static int64_t find_image(struct sqlite *s, const struct image_row *row)
{
	static const char find[] = "SELECT id FROM image WHERE identity = ?1 AND program = ?2 AND parent = ?3"
				   " AND cmdline IS ?4 AND place = ?5 AND script = ?6 AND script_source = ?7"
				   " AND flags = ?8 AND app IS ?9";
	sqlite3_stmt *stmt = sqlite_statement(s, find);

	bind_image(stmt, image_identity(row), row);
	return found_id(s, stmt);
}

static int64_t add_image(struct sqlite *s, const struct image_row *row, int64_t hour)
{
	static const char add[] = "INSERT INTO image(identity, program, parent, cmdline, place, script,"
				  " script_source, flags, app, last_hour)"
				  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
	sqlite3_stmt *stmt = sqlite_statement(s, add);
	int rc;

	bind_image(stmt, image_identity(row), row);
	sqlite3_bind_int64(stmt, 10, hour);
	rc = sqlite_run(s, stmt);
	return rc < 0 ? rc : sqlite3_last_insert_rowid(s->db);
}

/* The rows that a row of i refers to. 0 or -errno. Ancestors first: at most IMAGES_DEPTH_MAX, and a row is
 * never younger than its child's. */
static int resolve_image(struct sqlite *s, struct image *i, int64_t now_s, bool log_commands,
			 struct image_row *row)
{
	row->cmdline = log_commands ? i->command->cmdline : "";
	row->app = i->command->app;
	row->flags = i->command->flags;
	row->script_source = i->command->script_source;
	if (i->parent && (row->parent = identity_image(s, i->parent, now_s, log_commands)) < 0)
		return (int)row->parent;
	if ((row->program = identity_program(s, i->command->program, now_s)) < 0)
		return (int)row->program;
	if (i->command->script && (row->script = identity_program(s, i->command->script, now_s)) < 0)
		return (int)row->script;
	if (i->place && (row->place = identity_place(s, i->place, now_s)) < 0)
		return (int)row->place;
	return 0;
}

int64_t identity_image(struct sqlite *s, struct image *i, int64_t now_s, bool log_commands)
{
	static const char used[] = "UPDATE image SET last_hour = max(last_hour, ?2) WHERE id = ?1";
	int64_t hour = now_s - now_s % 3600, id = i->id;
	struct image_row row = {0};
	int rc;

	if (id && i->last_hour_s >= hour)
		return id;
	if ((rc = resolve_image(s, i, now_s, log_commands, &row)) != 0)
		return rc;
	if (!id && (id = find_image(s, &row)) < 0)
		return id;
	if (id) {
		rc = touch(s, used, id, hour);
		if (rc < 0)
			return rc;
		if (rc == 0)
			id = 0; /* retention removed it: it had not been used for that long */
	}
	if (!id && (id = add_image(s, &row, hour)) < 0)
		return id;
	if ((rc = changes_know(s, i, now_s)) != 0)
		return rc;
	i->id = id;
	i->last_hour_s = hour;
	return id;
}
