// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * take.c - see take.h.
 */
#include "store/import/take.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/log.h"
#include "store/import/already.h"
#include "store/import/told.h"
#include "store/migrate.h"
#include "store/schema.h"
#include "store/writer.h"

#define ROWS 4096
#define PROCESSES 16 /* none is met here */
#define DAY_S 86400
#define HOUR_S 3600

struct take {
	struct sqlite db;
	const struct settings *settings;
	struct programs *programs;
	struct places *places;
	struct images *images;
	struct name_table names;
	struct writer *writer;
	struct already *already;
	struct foreign_row row[ROWS];
	size_t count;
	int64_t last_bucket; /* of the rows that wait, the latest */
	size_t waiting;	     /* programs without rows, verdicts: in the open transaction */
	int64_t now_s;
	struct take_counts counts;
};

static int fail(struct take *t, int rc)
{
	log_warnx("%s: %s", t->db.path, t->db.why[0] ? t->db.why : strerror(-rc));
	return rc;
}

static int open_db(struct take *t, const char *state_dir)
{
	char path[PATH_MAX];
	int rc;

	if (snprintf(path, sizeof(path), "%s/" SCHEMA_FILE, state_dir) >= (int)sizeof(path))
		fatalx("%s: path too long", state_dir);
	if ((rc = sqlite_open(&t->db, path)) != 0 ||
	    (rc = migrate_run(&t->db, migrate_steps, migrate_n_steps, SCHEMA_VERSION)) != 0) {
		log_warnx("%s: %s", path, t->db.why[0] ? t->db.why : strerror(-rc));
		return rc;
	}
	return 0;
}

struct take *take_open(const char *state_dir, const struct settings *settings)
{
	struct take *t = calloc(1, sizeof(*t));

	if (!t)
		fatalx("no memory");
	t->settings = settings;
	t->now_s = (int64_t)time(NULL);
	if (open_db(t, state_dir) != 0) {
		take_close(t);
		return NULL;
	}
	t->programs = programs_new();
	t->places = places_new(1);
	t->images = t->programs && t->places ? images_new(t->programs, t->places, PROCESSES) : NULL;
	t->writer = t->images ? writer_new(&t->db, t->programs, t->images, NULL, NULL, NULL) : NULL;
	t->already = already_new(&t->db);
	if (!t->writer || !t->already)
		fatalx("no memory");
	return t;
}

static void forget_rows(struct take *t)
{
	size_t i;

	for (i = 0; i < t->count; i++) {
		images_unref(t->images, t->row[i].entry.key.image);
		name_unref(&t->names, t->row[i].entry.key.names.resolved);
	}
	t->count = 0;
	t->last_bucket = 0;
}

void take_close(struct take *t)
{
	if (!t)
		return;
	sqlite_rollback(&t->db);
	forget_rows(t);
	sqlite_checkpoint(&t->db);
	sqlite_close(&t->db);
	writer_free(t->writer);
	already_free(t->already);
	images_free(t->images);
	places_free(t->places);
	programs_free(t->programs);
	free(t);
}

/* ---- transactions */

static int make_known(void *arg, struct program *p)
{
	struct take *t = arg;

	return p->id && p->last_seen_s ? tell_old(&t->db, p) : 0;
}

int take_flush(struct take *t)
{
	int rc = 0;

	if (t->count == 0 && t->waiting == 0)
		return 0;
	if (t->waiting == 0)
		rc = sqlite_begin(&t->db);
	if (rc == 0 && t->count > 0)
		rc = writer_rows(t->writer, t->settings, t->row, t->count);
	if (rc == 0)
		rc = programs_each(t->programs, make_known, t);
	if (rc == 0)
		rc = sqlite_commit(&t->db);
	if (rc != 0) {
		sqlite_rollback(&t->db);
		writer_forget(t->writer);
		t->waiting = 0;
		return fail(t, rc);
	}
	t->counts.imported += t->count;
	t->waiting = 0;
	forget_rows(t);
	programs_sweep(t->programs); /* none is referred to any more */
	if (t->db.wal_frames > 1000)
		sqlite_checkpoint(&t->db);
	return 0;
}

/* ---- rows */

static void later(int64_t *at, int64_t now_s)
{
	if (now_s > *at)
		*at = now_s;
}

static void earlier(int64_t *at, int64_t now_s)
{
	if (*at == 0 || now_s < *at)
		*at = now_s;
}

/* Ancestors first. 0 or -ENOMEM; *image is NULL where nothing is known of it. */
static int make_image(struct take *t, const struct told *told, int generation, struct image **image)
{
	const struct told_program *who = &told->who[generation];
	struct image *parent = NULL;
	struct program *p;

	*image = NULL;
	if (!who->known)
		return 0;
	if (generation < 2 && make_image(t, told, generation + 1, &parent) != 0)
		return -ENOMEM;
	p = programs_intern_told(t->programs, who->exe, who->name, who->has_sha256 ? who->sha256 : NULL,
				 who->hash_error);
	if (p) {
		later(&p->last_seen_s, told->contime_s);
		if (generation == 0 && told->lport >= 0)
			earlier(&p->first_network_s, told->contime_s);
		if (generation == 1)
			earlier(&p->first_parent_s, told->contime_s);
		*image = images_intern_told(t->images, p, who->cmdline, who->flags, parent);
	}
	program_unref(p);
	images_unref(t->images, parent);
	return *image ? 0 : -ENOMEM;
}

static void fill(struct foreign_row *row, const struct told *told)
{
	struct batch_key *key = &row->entry.key;
	struct batch_sums *sums = &row->entry.sums;

	memcpy(key->laddr, told->laddr, sizeof(key->laddr));
	memcpy(key->raddr, told->raddr, sizeof(key->raddr));
	key->uid = key->creator_uid = (uint32_t)told->uid;
	key->netns = (uint32_t)told->netns;
	key->lport = (int32_t)told->lport;
	key->rport = (int32_t)told->rport;
	key->family = (uint16_t)told->family;
	key->protocol = (uint16_t)told->protocol;
	key->direction = SCHEMA_NONE;
	key->peer = told->addresses_off ? SCHEMA_OFF : SCHEMA_NONE;
	key->addresses_off = told->addresses_off;
	row->laddr_known = told->laddr_known;
	row->raddr_known = told->raddr_known;
	sums->first_s = sums->last_s = told->contime_s;
	sums->sent_bytes = (uint64_t)told->send;
	sums->received_bytes = (uint64_t)told->recv;
	sums->events = (uint32_t)told->events;
	sums->connections = (uint32_t)told->events;
}

static int add_row(struct take *t, const struct told *told)
{
	struct foreign_row *row = &t->row[t->count];
	int64_t bucket = told->contime_s - told->contime_s % ALREADY_S;

	memset(row, 0, sizeof(*row));
	/* by which way it was known is not told */
	if (told->domain &&
	    !(row->entry.key.names.resolved = name_intern(&t->names, told->domain, WIRE_NAME_NONE)))
		fatalx("no memory");
	if (make_image(t, told, 0, &row->entry.key.image) != 0)
		fatalx("no memory");
	fill(row, told);
	later(&t->last_bucket, bucket);
	t->count++;
	return t->count == ROWS ? take_flush(t) : 0;
}

static bool is_wanted(struct take *t, const struct told *told)
{
	int64_t oldest = t->now_s - (int64_t)t->settings->retention_days * DAY_S;

	oldest -= oldest % HOUR_S;
	if (told->contime_s < oldest)
		t->counts.old++;
	else if (told->contime_s > t->now_s + DAY_S)
		t->counts.future++;
	else if (told_ignored(told, t->settings))
		t->counts.ignored++;
	else
		return true;
	return false;
}

static int take_told(struct take *t, const struct told *told)
{
	struct already_row row;
	int rc = 0;

	if (!is_wanted(t, told))
		return 0;
	told_row(told, &row);
	/* what waits would not be found */
	if (already_moves(t->already, told->contime_s) && t->count > 0 &&
	    told->contime_s - told->contime_s % ALREADY_S <= t->last_bucket)
		rc = take_flush(t);
	if (rc != 0)
		return rc;
	rc = already_seen(t->already, &row);
	if (rc < 0)
		return fail(t, rc);
	t->counts.already += rc == 1;
	return rc == 1 ? 0 : add_row(t, told);
}

int take_row(struct take *t, const struct rows_row *row)
{
	struct told *told;
	int rc;

	t->counts.rows++;
	t->counts.cut += row->cut;
	if (row->bad) {
		t->counts.bad++;
		t->counts.why_bad = row->bad;
		return 0;
	}
	if (!(told = told_new(row, t->settings)))
		fatalx("no memory");
	t->counts.no_domain += told->bad_domain;
	rc = take_told(t, told);
	told_free(told);
	return rc;
}

struct take_counts take_count(struct take *t)
{
	struct take_counts counts = t->counts;

	memset(&t->counts, 0, sizeof(t->counts));
	return counts;
}

/* ---- programs without rows */

static int begin(struct take *t)
{
	int rc = t->waiting++ == 0 ? sqlite_begin(&t->db) : 0;

	if (rc != 0) {
		t->waiting = 0;
		return fail(t, rc);
	}
	return 0;
}

/* With whatever content: 1 yes, 0 no, -errno. */
static int is_named(struct take *t, const char *exe, const char *name)
{
	static const char ask[] = "SELECT 1 FROM program WHERE exe IS ?1 AND name IS ?2 LIMIT 1";
	sqlite3_stmt *stmt = sqlite_statement(&t->db, ask);
	int rc;

	sqlite3_bind_text(stmt, 1, exe, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, name, -1, SQLITE_STATIC);
	if ((rc = sqlite_step(&t->db, stmt)) == 1)
		sqlite3_reset(stmt);
	return rc;
}

int take_program(struct take *t, const char *exe, const char *name, const uint8_t sha256[WIRE_SHA256_SIZE],
		 int64_t network_s, int64_t parent_s)
{
	int64_t at = network_s ? network_s : parent_s ? parent_s : t->now_s;
	struct program *p;
	int rc = begin(t);

	if (rc == 0 && !sha256 && (rc = is_named(t, exe, name)) != 0)
		return rc > 0 ? 0 : fail(t, rc);
	if (rc != 0)
		return rc;
	if (!(p = programs_intern_told(t->programs, exe, name, sha256, WIRE_HASH_GONE)))
		fatalx("no memory");
	p->first_network_s = network_s;
	p->first_parent_s = parent_s;
	p->last_seen_s = at;
	rc = writer_program(t->writer, p, at);
	program_unref(p);
	if (rc != 0)
		return fail(t, rc);
	return t->waiting >= ROWS ? take_flush(t) : 0;
}

int take_verdict(struct take *t, const struct wire_verdict *verdict, const char *detail)
{
	int rc = begin(t);

	if (rc == 0 && (rc = tell_old_verdict(&t->db, verdict, detail)) != 0)
		rc = fail(t, rc);
	return rc;
}
