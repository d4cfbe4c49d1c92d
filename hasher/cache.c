// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cache.c - owns the table of file versions. Places are numbered, so that links are 16 bits and the table can
 * grow in one piece; the low 16 bits of a file_id are its place, the rest counts up and never repeats.
 */
#include "hasher/cache.h"

#include <stdlib.h>
#include <string.h>

#include "hasher/file.h"

#define NONE 0xffff
#define BUCKETS 1024
#define FIRST 64 /* places at the start: a quiet machine runs no more programs than this */

struct cache {
	struct cache_file *file;
	__u64 sequence;
	unsigned max, size, used; /* places: at most, allocated, ever used */
	unsigned pending;
	__u16 newest, oldest;
	__u16 by_stat[BUCKETS];
	__u16 by_record[BUCKETS];
};

static_assert(CACHE_MAX < NONE, "places are 16 bits");

static unsigned bucket(__u32 dev, __u64 ino)
{
	__u64 h = (ino + ((__u64)dev << 32)) * 0x9e3779b97f4a7c15ull;

	return h >> 54;
}

struct cache *cache_new(unsigned max)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->max = max < CACHE_MAX ? max : CACHE_MAX;
	c->newest = c->oldest = NONE;
	memset(c->by_stat, 0xff, sizeof(c->by_stat));
	memset(c->by_record, 0xff, sizeof(c->by_record));
	return c;
}

void cache_free(struct cache *c)
{
	if (!c)
		return;
	free(c->file);
	free(c);
}

static void lru_unlink(struct cache *c, __u16 i)
{
	struct cache_file *f = &c->file[i];

	*(f->newer == NONE ? &c->newest : &c->file[f->newer].older) = f->older;
	*(f->older == NONE ? &c->oldest : &c->file[f->older].newer) = f->newer;
}

static void lru_push(struct cache *c, __u16 i, bool as_newest)
{
	struct cache_file *f = &c->file[i];

	f->newer = as_newest ? NONE : c->oldest;
	f->older = as_newest ? c->newest : NONE;
	*(f->newer == NONE ? &c->newest : &c->file[f->newer].older) = i;
	*(f->older == NONE ? &c->oldest : &c->file[f->older].newer) = i;
}

static struct cache_file *touch(struct cache *c, __u16 i)
{
	if (c->newest != i) {
		lru_unlink(c, i);
		lru_push(c, i, true);
	}
	return &c->file[i];
}

static void unchain_stat(struct cache *c, struct cache_file *f)
{
	__u16 *link = &c->by_stat[bucket(f->at.dev, f->at.ino)];

	for (; *link != NONE; link = &c->file[*link].next_stat) {
		if (&c->file[*link] == f) {
			*link = f->next_stat;
			break;
		}
	}
}

static void unchain_record(struct cache *c, struct cache_file *f)
{
	__u16 *link = &c->by_record[bucket(f->record_dev, f->at.ino)];

	for (; *link != NONE; link = &c->file[*link].next_record) {
		if (&c->file[*link] == f) {
			*link = f->next_record;
			break;
		}
	}
}

static void chain_stat(struct cache *c, struct cache_file *f)
{
	__u16 *head = &c->by_stat[bucket(f->at.dev, f->at.ino)];

	f->next_stat = *head;
	*head = f - c->file;
}

static void chain_record(struct cache *c, struct cache_file *f)
{
	__u16 *head = &c->by_record[bucket(f->record_dev, f->at.ino)];

	f->next_record = *head;
	*head = f - c->file;
}

struct cache_file *cache_by_stat(struct cache *c, const struct wire_file *st)
{
	__u16 i;

	for (i = c->by_stat[bucket(st->dev, st->ino)]; i != NONE; i = c->file[i].next_stat) {
		const struct cache_file *f = &c->file[i];

		if (f->at.dev == st->dev && !f->young && file_unchanged(&f->at, st))
			return touch(c, i);
	}
	return NULL;
}

struct cache_file *cache_by_record(struct cache *c, const struct wire_file *record)
{
	__u16 i;

	for (i = c->by_record[bucket(record->dev, record->ino)]; i != NONE; i = c->file[i].next_record) {
		const struct cache_file *f = &c->file[i];

		if (f->record_dev == record->dev && f->record_generation == record->generation && !f->young &&
		    file_unchanged(&f->at, record))
			return touch(c, i);
	}
	return NULL;
}

struct cache_file *cache_by_inode(struct cache *c, const struct wire_file *st)
{
	__u16 i;

	for (i = c->by_stat[bucket(st->dev, st->ino)]; i != NONE; i = c->file[i].next_stat) {
		if (c->file[i].at.dev == st->dev && c->file[i].at.ino == st->ino)
			return &c->file[i];
	}
	return NULL;
}

struct cache_file *cache_by_id(struct cache *c, __u64 file_id)
{
	unsigned i = file_id & 0xffff;

	return file_id && i < c->used && c->file[i].file_id == file_id ? &c->file[i] : NULL;
}

/* A place for a new version: a fresh one, else the oldest that waits for nothing. NONE: there is none. */
static __u16 take_place(struct cache *c)
{
	__u16 i;

	if (c->used == c->size && c->size < c->max) {
		unsigned size = c->size ? c->size * 2 : FIRST;
		struct cache_file *file;

		if (size > c->max)
			size = c->max;
		file = realloc(c->file, size * sizeof(*file));
		if (file) {
			c->file = file;
			c->size = size;
		}
	}
	if (c->used < c->size)
		return c->used++;
	for (i = c->oldest; i != NONE; i = c->file[i].newer) {
		if (c->file[i].hash_error == WIRE_HASH_PENDING)
			continue;
		cache_forget(c, &c->file[i]);
		lru_unlink(c, i);
		return i;
	}
	return NONE;
}

/* A file has one version at a time: what was known under the same device and inode number is no more. */
static void forget_older(struct cache *c, const struct wire_file *st)
{
	__u16 i, next;

	for (i = c->by_stat[bucket(st->dev, st->ino)]; i != NONE; i = next) {
		struct cache_file *f = &c->file[i];

		next = f->next_stat;
		if (f->at.dev == st->dev && f->at.ino == st->ino)
			cache_forget(c, f);
	}
}

struct cache_file *cache_add(struct cache *c, const struct wire_file *st, const struct wire_file *record)
{
	__u16 i = take_place(c);
	struct cache_file *f;

	if (i == NONE)
		return NULL;
	if (st)
		forget_older(c, st);
	f = &c->file[i];
	*f = (struct cache_file){
		.file_id = ++c->sequence << 16 | i,
		.at = st ? *st : *record,
		.hash_error = WIRE_HASH_PENDING,
		.findable = true,
	};
	c->pending++;
	lru_push(c, i, true);
	f->at.generation = 0;
	f->at.dev = 0;
	if (st)
		cache_set_stat(c, f, st);
	if (record)
		cache_set_record(c, f, record);
	return f;
}

/* Size and times are shared by both keys; the bucket depends on dev and ino only, and ino does not change. */
void cache_set_stat(struct cache *c, struct cache_file *f, const struct wire_file *st)
{
	__u32 generation = st->generation ? st->generation : f->at.generation;

	if (f->findable && f->at.dev != st->dev) {
		if (f->at.dev)
			unchain_stat(c, f);
		f->at.dev = st->dev;
		chain_stat(c, f);
	}
	f->at = *st;
	f->at.generation = generation;
}

void cache_set_record(struct cache *c, struct cache_file *f, const struct wire_file *record)
{
	if (f->findable && f->record_dev != record->dev) {
		if (f->record_dev)
			unchain_record(c, f);
		f->record_dev = record->dev;
		chain_record(c, f);
	}
	f->record_generation = record->generation;
}

void cache_set_digest(struct cache *c, struct cache_file *f, unsigned hash_error, const __u8 *sha256)
{
	if (f->hash_error == WIRE_HASH_PENDING)
		c->pending--;
	f->hash_error = hash_error;
	if (hash_error == WIRE_HASH_OK)
		memcpy(f->sha256, sha256, sizeof(f->sha256));
	else
		cache_forget(c, f);
}

void cache_forget(struct cache *c, struct cache_file *f)
{
	if (!f->findable)
		return;
	if (f->at.dev)
		unchain_stat(c, f);
	if (f->record_dev)
		unchain_record(c, f);
	f->findable = false;
}

void cache_forget_dev(struct cache *c, __u32 dev)
{
	unsigned i;

	for (i = 0; i < c->used; i++) {
		if (c->file[i].record_dev == dev || c->file[i].at.dev == dev)
			cache_forget(c, &c->file[i]);
	}
}

struct cache_file *cache_next_pending(struct cache *c, __u64 after_file_id)
{
	unsigned i = after_file_id ? (after_file_id & 0xffff) + 1 : 0;

	for (; i < c->used; i++) {
		if (c->file[i].hash_error == WIRE_HASH_PENDING)
			return &c->file[i];
	}
	return NULL;
}

unsigned cache_pending(const struct cache *c)
{
	return c->pending;
}

unsigned cache_count(const struct cache *c)
{
	return c->used;
}
