// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * already.c - see already.h.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* what is statically linked for the chain too */
#include "store/import/already.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST 16
#define FIRST_SIZE 256

struct seen {
	unsigned char digest[DIGEST];
	uint64_t rows; /* not yet matched */
	bool used;
};

struct already {
	struct sqlite *db;
	struct seen *seen; /* open-addressed, by the first bytes of the digest */
	size_t size, count;
	int64_t bucket; /* -1 = none was read */
};

struct already *already_new(struct sqlite *db)
{
	struct already *a = calloc(1, sizeof(*a));

	if (a) {
		a->db = db;
		a->bucket = -1;
	}
	return a;
}

void already_free(struct already *a)
{
	if (!a)
		return;
	free(a->seen);
	free(a);
}

/* ---- digests */

static void add_bytes(SHA256_CTX *ctx, const void *bytes, uint64_t len)
{
	SHA256_Update(ctx, &len, sizeof(len));
	if (len > 0)
		SHA256_Update(ctx, bytes, len);
}

static void make_digest(const struct already_row *row, unsigned char digest[DIGEST])
{
	unsigned char whole[SHA256_DIGEST_LENGTH];
	SHA256_CTX ctx;
	size_t i;

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, row->number, sizeof(row->number));
	for (i = 0; i < ALREADY_TEXTS; i++)
		add_bytes(&ctx, row->text[i], row->text[i] ? strlen(row->text[i]) : 0);
	for (i = 0; i < 3; i++)
		add_bytes(&ctx, row->sha256[i], row->sha256[i] ? SHA256_DIGEST_LENGTH : 0);
	SHA256_Final(whole, &ctx);
	memcpy(digest, whole, DIGEST);
}

static struct seen *find(const struct already *a, const unsigned char digest[DIGEST])
{
	size_t i;

	memcpy(&i, digest, sizeof(i));
	for (i &= a->size - 1; a->seen[i].used; i = (i + 1) & (a->size - 1))
		if (memcmp(a->seen[i].digest, digest, DIGEST) == 0)
			break;
	return &a->seen[i];
}

static int grow(struct already *a)
{
	struct already bigger = *a;
	size_t i;

	bigger.size = a->size ? a->size * 2 : FIRST_SIZE;
	bigger.seen = calloc(bigger.size, sizeof(*bigger.seen));
	if (!bigger.seen)
		return -ENOMEM;
	for (i = 0; i < a->size; i++)
		if (a->seen[i].used)
			*find(&bigger, a->seen[i].digest) = a->seen[i];
	free(a->seen);
	*a = bigger;
	return 0;
}

static int add(struct already *a, const struct already_row *row)
{
	unsigned char digest[DIGEST];
	struct seen *s;
	int rc;

	if (a->count * 2 >= a->size && (rc = grow(a)) != 0)
		return rc;
	make_digest(row, digest);
	s = find(a, digest);
	if (!s->used) {
		memcpy(s->digest, digest, DIGEST);
		s->used = true;
		a->count++;
	}
	s->rows++;
	return 0;
}

/* ---- what is there */

/* Rows that came through the pipeline know their direction, unless they are executions. */
static const char sql[] =
	"SELECT f.contime, f.send, f.recv, f.events, f.uid, f.family, f.protocol, f.netns, f.lport, f.rport,"
	" coalesce(p0.hash_error, 0), coalesce(p1.hash_error, 0), coalesce(p2.hash_error, 0),"
	" coalesce(i0.flags, 0), coalesce(i1.flags, 0), coalesce(i2.flags, 0),"
	" la.text, ra.text, d.text, p0.exe, p0.name, i0.cmdline, p1.exe, p1.name, i1.cmdline,"
	" p2.exe, p2.name, i2.cmdline, p0.sha256, p1.sha256, p2.sha256 FROM flow f"
	" LEFT JOIN image i0 ON i0.id = f.image LEFT JOIN program p0 ON p0.id = i0.program"
	" LEFT JOIN image i1 ON i1.id = i0.parent LEFT JOIN program p1 ON p1.id = i1.program"
	" LEFT JOIN image i2 ON i2.id = i1.parent LEFT JOIN program p2 ON p2.id = i2.program"
	" LEFT JOIN address la ON la.id = f.laddr LEFT JOIN address ra ON ra.id = f.raddr"
	" LEFT JOIN domain d ON d.id = f.domain"
	" WHERE f.id >= (SELECT first_id FROM flow_range WHERE bucket = ?1)"
	" AND f.id <= (SELECT last_id FROM flow_range WHERE bucket = ?1)"
	" AND f.contime >= ?1 AND f.contime < ?1 + 300 AND f.direction = -1";

static void take_row(sqlite3_stmt *stmt, struct already_row *row)
{
	int i, at = 0;

	for (i = 0; i < ALREADY_NUMBERS; i++)
		row->number[i] = sqlite3_column_int64(stmt, at++);
	for (i = 0; i < ALREADY_TEXTS; i++)
		row->text[i] = (const char *)sqlite3_column_text(stmt, at++);
	for (i = 0; i < 3; i++, at++)
		row->sha256[i] = sqlite3_column_bytes(stmt, at) == SHA256_DIGEST_LENGTH
					 ? sqlite3_column_blob(stmt, at)
					 : NULL;
}

static int read_bucket(struct already *a, int64_t bucket)
{
	struct already_row row;
	sqlite3_stmt *stmt;
	int rc;

	free(a->seen);
	a->seen = NULL;
	a->size = a->count = 0;
	a->bucket = -1;
	if ((rc = grow(a)) != 0)
		return rc;
	stmt = sqlite_statement(a->db, sql);
	sqlite3_bind_int64(stmt, 1, bucket);
	while ((rc = sqlite_step(a->db, stmt)) == 1) {
		take_row(stmt, &row);
		if ((rc = add(a, &row)) != 0) {
			sqlite3_reset(stmt);
			return rc;
		}
	}
	if (rc == 0)
		a->bucket = bucket;
	return rc;
}

bool already_moves(const struct already *a, int64_t contime_s)
{
	return a->bucket != contime_s - contime_s % ALREADY_S;
}

int already_seen(struct already *a, const struct already_row *row)
{
	unsigned char digest[DIGEST];
	struct seen *s;
	int rc;

	if (already_moves(a, row->number[0]) &&
	    (rc = read_bucket(a, row->number[0] - row->number[0] % ALREADY_S)) != 0)
		return rc;
	make_digest(row, digest);
	s = find(a, digest);
	if (s->rows == 0)
		return 0;
	s->rows--;
	return 1;
}
