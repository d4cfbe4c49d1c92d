// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * changes.c - see changes.h. Executions wait for their digest, then for their package, and nobody for
 * somebody else's; what is done with one that is due is in changes_db.c.
 */
#include "store/changes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/wire_check.h"
#include "store/changes_db.h"
#include "store/mix.h"
#include "store/schema.h"
#include "store/text.h"

#define VERSIONS 4096 /* of the hasher, at least CACHE_MAX; its numbers end in the place, 16 bits */

/* Which location a version of a file is at. */
struct version {
	uint64_t file_id;
	int64_t location;
};

TAILQ_HEAD(queue, change);

/* The process that modified something last, and the event that this made. */
struct run {
	uint32_t tgid; /* 0: none */
	int64_t time_s, event;
	char *writer; /* NULL = unknown */
};

struct changes {
	struct images *images;
	struct queue modified; /* waits for the record of who did it */
	struct queue pending;  /* digest on its way */
	struct queue waiting;  /* for the package, oldest first */
	struct queue ready;
	unsigned count;
	struct run run;
	struct version version[VERSIONS];
};

struct changes *changes_new(struct images *images)
{
	struct changes *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->images = images;
	TAILQ_INIT(&c->modified);
	TAILQ_INIT(&c->pending);
	TAILQ_INIT(&c->waiting);
	TAILQ_INIT(&c->ready);
	return c;
}

static void forget(struct changes *c, struct queue *from, struct change *e)
{
	TAILQ_REMOVE(from, e, queue);
	c->count--;
	free(e->exe);
	free(e->writer);
	free(e->container);
	free(e->package);
	free(e->version);
	free(e);
}

void changes_free(struct changes *c)
{
	struct change *e;

	if (!c)
		return;
	while ((e = TAILQ_FIRST(&c->modified)))
		forget(c, &c->modified, e);
	while ((e = TAILQ_FIRST(&c->pending)))
		forget(c, &c->pending, e);
	while ((e = TAILQ_FIRST(&c->waiting)))
		forget(c, &c->waiting, e);
	while ((e = TAILQ_FIRST(&c->ready)))
		forget(c, &c->ready, e);
	free(c->run.writer);
	free(c);
}

/* With the NUL, so that what follows is apart. */
static uint64_t hash_text(uint64_t h, const char *text)
{
	return fnv1a(h, text, strlen(text) + 1);
}

int64_t changes_location(const char *exe, const char *container)
{
	uint64_t h = hash_text(hash_text(FNV1A_BASIS, exe), container ? container : "");

	return (int64_t)((h ^ h >> 32) >> 1) | 1; /* an SQLite rowid, and not 0 */
}

static bool has_path(const struct wire_image *image, const struct place *place)
{
	enum command_where where = command_where(image);

	return image->file_id &&
	       (where == COMMAND_HERE || (where == COMMAND_ELSEWHERE && place && place->container));
}

static struct change *add(struct changes *c, struct queue *to)
{
	struct change *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	TAILQ_INSERT_TAIL(to, e, queue);
	c->count++;
	return e;
}

static void move(struct queue *from, struct queue *to, struct change *e)
{
	TAILQ_REMOVE(from, e, queue);
	TAILQ_INSERT_TAIL(to, e, queue);
}

/* At the bound the oldest is compared as it is, or has waited for its digest for too long; where nothing can
 * be written at all, it is forgotten. */
static void make_room(struct changes *c)
{
	struct change *e;

	if (c->count < CHANGES_MAX)
		return;
	if ((e = TAILQ_FIRST(&c->waiting)))
		move(&c->waiting, &c->ready, e);
	else if ((e = TAILQ_FIRST(&c->pending)))
		forget(c, &c->pending, e);
	else if ((e = TAILQ_FIRST(&c->modified)))
		forget(c, &c->modified, e);
	else if ((e = TAILQ_FIRST(&c->ready)))
		forget(c, &c->ready, e);
}

int changes_image(struct changes *c, const struct wire_image *image, const struct place *place, int64_t now_s)
{
	const struct wire_exec *exec = (const void *)(image + 1);
	const char *container = place ? place->container : NULL;
	struct version *version;
	struct change *e;
	int64_t location;
	char *exe;
	bool told;

	if (!has_path(image, place) ||
	    (image->hash_error != WIRE_HASH_OK && image->hash_error != WIRE_HASH_PENDING))
		return 0;
	exe = text_clean(wire_exec_path(exec), exec->path_len - 1u);
	if (!exe)
		return -ENOMEM;
	location = changes_location(exe, container);
	version = &c->version[image->file_id % VERSIONS];
	if (version->file_id == image->file_id && version->location == location) {
		free(exe);
		return 0; /* the same file at the same place: compared already, or waiting */
	}
	make_room(c);
	/* the same file under another name: its package was told, or will be, of the first */
	told = version->file_id == image->file_id;
	e = add(c, image->hash_error != WIRE_HASH_OK ? &c->pending : told ? &c->ready : &c->waiting);
	if (!e) {
		free(exe);
		return -ENOMEM;
	}
	*version = (struct version){.file_id = image->file_id, .location = location};
	e->kind = SCHEMA_CHANGE_CHANGED;
	e->told = told;
	e->exe = exe;
	e->container = container ? strdup(container) : NULL;
	e->location = location;
	e->file_id = image->file_id;
	e->time_s = exec->time_ns ? (int64_t)(exec->time_ns / 1000000000u) : now_s;
	e->since_s = now_s;
	e->placed_s = exec->file.ctime_s;
	memcpy(e->sha256, image->sha256, sizeof(e->sha256));
	return 0;
}

void changes_digest(struct changes *c, const struct wire_digest *digest)
{
	struct change *e, *next;

	for (e = TAILQ_FIRST(&c->pending); e; e = next) {
		next = TAILQ_NEXT(e, queue);
		if (e->file_id != digest->file_id)
			continue;
		if (digest->hash_error != WIRE_HASH_OK) {
			forget(c, &c->pending, e);
			continue;
		}
		memcpy(e->sha256, digest->sha256, sizeof(e->sha256));
		move(&c->pending, e->told ? &c->ready : &c->waiting, e);
	}
}

/* One string of the record, moved on to the next. */
static char *take_text(const char **at, size_t len)
{
	char *text = len ? text_clean(*at, len - 1) : NULL;

	*at += len;
	return text;
}

static void tell(struct change *e, const struct wire_package *wire)
{
	const char *text = (const char *)(wire + 1);
	char *manager = take_text(&text, wire->manager_len);

	e->told = true;
	if (manager)
		snprintf(e->manager, sizeof(e->manager), "%s", manager);
	free(manager);
	e->package = take_text(&text, wire->name_len);
	e->version = take_text(&text, wire->version_len);
	e->explained = (uint8_t)wire->explained;
}

static struct change *find(struct queue *q, uint64_t file_id)
{
	struct change *e;

	TAILQ_FOREACH(e, q, queue)
	if (e->file_id == file_id && !e->told)
		return e;
	return NULL;
}

void changes_package(struct changes *c, const struct wire_package *wire)
{
	struct change *e = find(&c->waiting, wire->file_id);

	if (e) {
		tell(e, wire);
		move(&c->waiting, &c->ready, e);
	} else if ((e = find(&c->pending, wire->file_id))) {
		tell(e, wire);
	}
}

int changes_modified(struct changes *c, const struct wire_changed *wire, int64_t now_s)
{
	const struct version *version = &c->version[wire->file_id % VERSIONS];
	struct change *e;

	if (version->file_id != wire->file_id || !wire->file_id)
		return 0;
	make_room(c);
	e = add(c, &c->modified);
	if (!e)
		return -ENOMEM;
	e->kind = SCHEMA_CHANGE_MODIFIED;
	e->tgid = wire->tgid;
	e->since_s = now_s;
	e->location = version->location;
	e->time_s = (int64_t)(wire->time_ns / 1000000000u);
	return 0;
}

static bool waited(const struct change *e, int64_t now_s, int64_t enough_s)
{
	return e && now_s - e->since_s > enough_s;
}

bool changes_due(const struct changes *c, int64_t now_s)
{
	return !TAILQ_EMPTY(&c->ready) || waited(TAILQ_FIRST(&c->waiting), now_s, CHANGES_WAIT_S) ||
	       waited(TAILQ_FIRST(&c->modified), now_s, CHANGES_WRITER_S);
}

bool changes_wait(const struct changes *c)
{
	return !TAILQ_EMPTY(&c->ready) || !TAILQ_EMPTY(&c->waiting) || !TAILQ_EMPTY(&c->modified);
}

/* Who did it, and with what else of his it belongs. */
static void set_run(struct changes *c, const struct change *e)
{
	const char *exe;

	if (c->run.tgid == e->tgid && e->tgid && e->time_s - c->run.time_s <= CHANGES_RUN_S)
		return;
	free(c->run.writer);
	exe = e->tgid ? images_exe(c->images, e->tgid) : NULL;
	c->run = (struct run){.tgid = e->tgid, .time_s = e->time_s, .writer = exe ? strdup(exe) : NULL};
}

static int write_one(struct changes *c, struct sqlite *db, struct change *e, bool *begun)
{
	int64_t event = 0;

	if (e->kind == SCHEMA_CHANGE_CHANGED)
		return changes_compare(db, e, begun, &event);
	set_run(c, e);
	if (!e->writer && c->run.writer)
		e->writer = strdup(c->run.writer);
	return changes_compare(db, e, begun, &c->run.event);
}

/* In this order: what ran is compared with the modification that came before it. */
static int write_queue(struct changes *c, struct sqlite *db, const struct queue *q, bool *begun)
{
	struct change *e;
	int rc;

	TAILQ_FOREACH(e, q, queue)
	if ((rc = write_one(c, db, e, begun)) != 0)
		return rc;
	return 0;
}

int changes_write(struct changes *c, struct sqlite *db, int64_t now_s)
{
	struct change *e;
	bool begun = false;
	int rc;

	while (waited(e = TAILQ_FIRST(&c->waiting), now_s, CHANGES_WAIT_S))
		move(&c->waiting, &c->ready, e);
	rc = write_queue(c, db, &c->modified, &begun);
	if (rc == 0)
		rc = write_queue(c, db, &c->ready, &begun);
	if (begun && rc == 0)
		rc = sqlite_commit(db);
	else if (begun)
		sqlite_rollback(db);
	if (rc != 0)
		c->run.tgid = 0; /* its event was undone */
	while (rc == 0 && (e = TAILQ_FIRST(&c->modified)))
		forget(c, &c->modified, e);
	while (rc == 0 && (e = TAILQ_FIRST(&c->ready)))
		forget(c, &c->ready, e);
	return rc;
}
