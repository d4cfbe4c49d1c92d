// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libraries.c - see libraries.h.
 */
#include "store/libraries.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "store/text.h"

#define PATIENCE 2 /* windows */

struct sighting {
	STAILQ_ENTRY(sighting) queue;
	struct image *image;
	int64_t time_s;
	unsigned windows; /* waited */
	struct wire_libraries head;
	char text[];
};

STAILQ_HEAD(sighting_queue, sighting);

struct libraries {
	struct images *images;
	struct sighting_queue queue;
	size_t count, bytes;
};

struct libraries *libraries_new(struct images *images)
{
	struct libraries *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->images = images;
	STAILQ_INIT(&l->queue);
	return l;
}

static void forget(struct libraries *l, struct sighting *s)
{
	STAILQ_REMOVE(&l->queue, s, sighting, queue);
	images_unref(l->images, s->image);
	l->count--;
	l->bytes -= s->head.text_len;
	free(s);
}

void libraries_free(struct libraries *l)
{
	while (l && !STAILQ_EMPTY(&l->queue))
		forget(l, STAILQ_FIRST(&l->queue));
	free(l);
}

void libraries_add(struct libraries *l, const struct wire_libraries *head, int64_t now_s)
{
	struct image *image = images_find(l->images, &head->image);
	struct sighting *s;

	if (!image || l->count >= LIBRARIES_MAX || l->bytes + head->text_len > LIBRARIES_BYTES)
		return;
	s = calloc(1, sizeof(*s) + head->text_len);
	if (!s)
		return;
	s->image = image_ref(image);
	s->time_s = now_s;
	memcpy(&s->head, head, sizeof(*head));
	memcpy(s->text, head + 1, head->text_len);
	STAILQ_INSERT_TAIL(&l->queue, s, queue);
	l->count++;
	l->bytes += head->text_len;
}

/* The id in the row that a statement finds, 0 = none, -errno. */
static int64_t found_id(struct sqlite *db, sqlite3_stmt *stmt)
{
	int64_t id = 0;
	int rc = sqlite_step(db, stmt);

	if (rc == 1) {
		id = sqlite3_column_int64(stmt, 0);
		sqlite3_reset(stmt);
	}
	return rc < 0 ? rc : id;
}

static int add_member(struct sqlite *db, int64_t set, const struct wire_library *lib, const char *path)
{
	static const char add[] =
		"INSERT OR IGNORE INTO library(path, sha256, hash_error) VALUES(?1, ?2, ?3)";
	static const char join[] =
		"INSERT OR IGNORE INTO library_member(library_set, library) SELECT ?4, id FROM library"
		" WHERE path = ?1 AND sha256 = ?2 AND hash_error = ?3";
	const char *const statements[] = {add, join};
	char *text = text_clean(path, strlen(path));
	int rc = text ? 0 : -ENOMEM;
	size_t i;

	for (i = 0; i < 2 && rc == 0; i++) {
		sqlite3_stmt *stmt = sqlite_statement(db, statements[i]);

		sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC);
		sqlite3_bind_blob(stmt, 2, lib->sha256, lib->hash_error ? 0 : sizeof(lib->sha256),
				  SQLITE_STATIC);
		if (lib->hash_error)
			sqlite3_bind_zeroblob(stmt, 2, 0);
		sqlite3_bind_int(stmt, 3, lib->hash_error);
		if (i == 1)
			sqlite3_bind_int64(stmt, 4, set);
		rc = sqlite_run(db, stmt);
	}
	free(text);
	return rc;
}

static int add_members(struct sqlite *db, int64_t set, const struct sighting *s)
{
	const char *at = s->text, *end = s->text + s->head.text_len;
	struct wire_library lib;
	int rc = 0;

	for (; at < end && rc == 0; at += lib.path_len) {
		memcpy(&lib, at, sizeof(lib));
		at += sizeof(lib);
		rc = add_member(db, set, &lib, at);
	}
	return rc;
}

/* The id of its set, made if it is new, or -errno. A set that was forgotten here gets its files when they are
 * told again. */
static int64_t set_id(struct sqlite *db, const struct sighting *s)
{
	static const char find[] = "SELECT id FROM library_set WHERE digest = ?1";
	static const char add[] = "INSERT INTO library_set(digest, flags) VALUES(?1, ?2)";
	sqlite3_stmt *stmt = sqlite_statement(db, find);
	int64_t id;
	int rc;

	sqlite3_bind_blob(stmt, 1, s->head.set, sizeof(s->head.set), SQLITE_STATIC);
	if ((id = found_id(db, stmt)) < 0)
		return id;
	if (id == 0) {
		stmt = sqlite_statement(db, add);
		sqlite3_bind_blob(stmt, 1, s->head.set, sizeof(s->head.set), SQLITE_STATIC);
		sqlite3_bind_int64(stmt, 2, s->head.flags);
		if ((rc = sqlite_run(db, stmt)) != 0)
			return rc;
		id = sqlite3_last_insert_rowid(db->db);
	}
	rc = add_members(db, id, s);
	return rc < 0 ? rc : id;
}

static int write_sighting(struct sqlite *db, const struct sighting *s)
{
	static const char add[] = "INSERT INTO image_libraries(image, library_set, first_seen, last_seen)"
				  " VALUES(?1, ?2, ?3, ?3) ON CONFLICT(image, library_set)"
				  " DO UPDATE SET last_seen = max(last_seen, ?3)";
	int64_t set = set_id(db, s);
	sqlite3_stmt *stmt;

	if (set < 0)
		return (int)set;
	stmt = sqlite_statement(db, add);
	sqlite3_bind_int64(stmt, 1, s->image->id);
	sqlite3_bind_int64(stmt, 2, set);
	sqlite3_bind_int64(stmt, 3, s->time_s);
	return sqlite_run(db, stmt);
}

bool libraries_wait(const struct libraries *l)
{
	const struct sighting *s;

	STAILQ_FOREACH(s, &l->queue, queue)
	{
		if (s->image->id)
			return true;
	}
	return false;
}

int libraries_write(struct libraries *l, struct sqlite *db)
{
	struct sighting *s, *next;
	int rc = 0;

	if (libraries_wait(l)) {
		if ((rc = sqlite_begin(db)) != 0)
			return rc;
		STAILQ_FOREACH(s, &l->queue, queue)
		{
			if (s->image->id && (rc = write_sighting(db, s)) != 0)
				break;
		}
		if (rc != 0) {
			sqlite_rollback(db);
			return rc;
		}
		if ((rc = sqlite_commit(db)) != 0)
			return rc;
	}
	for (s = STAILQ_FIRST(&l->queue); s; s = next) {
		next = STAILQ_NEXT(s, queue);
		if (s->image->id || ++s->windows >= PATIENCE)
			forget(l, s);
	}
	return 0;
}
