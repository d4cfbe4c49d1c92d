// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * batch.c - see batch.h. Entries stand in one array in order of arrival; an open-addressed table of their
 * numbers finds them by key.
 */
#include "store/batch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/mix.h"

#define FIRST_ENTRIES 32

static_assert(sizeof(struct batch_key) == 4 * 8 + 2 * WIRE_ADDR_SIZE + 5 * 4 + 2 * 2 + 4 + 4,
	      "batch_key: no padding");

struct batch {
	struct images *images;
	struct names *names;
	struct batch_entry *entry;
	uint32_t *slot; /* number of the entry + 1, 0 = free; twice as many as entries */
	size_t size, count, max, foreign;
};

struct batch *batch_new(struct images *im, struct names *names, size_t max)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->images = im;
	b->names = names;
	b->max = max;
	return b;
}

void batch_free(struct batch *b)
{
	if (!b)
		return;
	batch_clear(b);
	free(b->entry);
	free(b->slot);
	free(b);
}

static size_t key_hash(const struct batch_key *key)
{
	return (size_t)mix(0x9e3779b97f4a7c15u, key, sizeof(*key));
}

static uint32_t *find_slot(const struct batch *b, const struct batch_key *key)
{
	size_t mask = b->size * 2 - 1, i = key_hash(key) & mask;

	while (b->slot[i] && memcmp(&b->entry[b->slot[i] - 1].key, key, sizeof(*key)) != 0)
		i = (i + 1) & mask;
	return &b->slot[i];
}

static void find_anew(struct batch *b)
{
	size_t i;

	memset(b->slot, 0, b->size * 2 * sizeof(*b->slot));
	for (i = 0; i < b->count; i++)
		*find_slot(b, &b->entry[i].key) = (uint32_t)i + 1;
}

static int grow(struct batch *b)
{
	size_t size = b->size ? b->size * 2 : FIRST_ENTRIES;
	struct batch_entry *entry;
	uint32_t *slot;

	slot = calloc(size * 2, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	entry = realloc(b->entry, size * sizeof(*entry));
	if (!entry) {
		free(slot);
		return -ENOMEM;
	}
	free(b->slot);
	b->entry = entry;
	b->slot = slot;
	b->size = size;
	find_anew(b);
	return 0;
}

static void add_sums(struct batch_entry *e, const struct batch_entry *more)
{
	const struct batch_sums *sums = &more->sums;

	if (sums->first_s < e->sums.first_s)
		e->sums.first_s = sums->first_s;
	if (sums->last_s > e->sums.last_s)
		e->sums.last_s = sums->last_s;
	e->sums.sent_bytes += sums->sent_bytes;
	e->sums.received_bytes += sums->received_bytes;
	e->sums.sniffed_bytes += sums->sniffed_bytes;
	e->sums.tunnel_sent_bytes += sums->tunnel_sent_bytes;
	e->sums.tunnel_received_bytes += sums->tunnel_received_bytes;
	e->sums.connections += sums->connections;
	if (more->cookie == 0 || more->cookie != e->cookie)
		e->sums.events += sums->events;
	e->cookie = more->cookie;
	e->connection = more->connection;
	e->user = more->user;
	e->rport = more->rport;
	e->ended = more->ended;
}

static void take_references(struct batch *b, const struct batch_key *key)
{
	if (key->image)
		image_ref(key->image);
	place_ref(key->creator);
	names_ref(&key->names);
	b->foreign += !key->image || !key->image->command->program->self;
}

static void give_back(struct batch *b, const struct batch_key *key)
{
	b->foreign -= !key->image || !key->image->command->program->self;
	images_unref(b->images, key->image);
	place_unref(key->creator);
	names_unref(b->names, &key->names);
}

int batch_add(struct batch *b, const struct batch_entry *more)
{
	const struct batch_key *key = &more->key;
	uint32_t *slot;
	int rc;

	slot = b->size ? find_slot(b, key) : NULL;
	if (slot && *slot) {
		add_sums(&b->entry[*slot - 1], more);
		return 0;
	}
	if (b->count >= b->max)
		return -ENOSPC;
	if (b->count == b->size) {
		if ((rc = grow(b)) != 0)
			return rc;
		slot = find_slot(b, key);
	}
	b->entry[b->count++] = *more;
	*slot = (uint32_t)b->count;
	take_references(b, key);
	return 0;
}

void batch_revise(struct batch *b, bool (*revise)(void *arg, struct batch_entry *), void *arg)
{
	size_t i, kept = 0, changed = 0;
	struct batch_entry e;

	for (i = 0; i < b->count; i++) {
		e = b->entry[i];
		if (!revise(arg, &e)) {
			give_back(b, &b->entry[i].key);
			continue;
		}
		if (memcmp(&e.key, &b->entry[i].key, sizeof(e.key)) != 0) {
			names_ref(&e.key.names);
			names_unref(b->names, &b->entry[i].key.names);
			changed++;
		}
		b->entry[kept++] = e;
	}
	changed += b->count - kept;
	b->count = kept;
	if (changed)
		find_anew(b);
}

size_t batch_count(const struct batch *b)
{
	return b->count;
}

size_t batch_foreign(const struct batch *b)
{
	return b->foreign;
}

const struct batch_entry *batch_entries(const struct batch *b)
{
	return b->entry;
}

/* Keeps its room, so that a steady load does not allocate in each window: batch_trim() gives it back. */
void batch_clear(struct batch *b)
{
	size_t i;

	for (i = 0; i < b->count; i++)
		give_back(b, &b->entry[i].key);
	b->count = 0;
	if (b->size)
		memset(b->slot, 0, b->size * 2 * sizeof(*b->slot));
}

void batch_trim(struct batch *b)
{
	if (b->count > 0)
		return;
	free(b->entry);
	free(b->slot);
	b->entry = NULL;
	b->slot = NULL;
	b->size = 0;
}
