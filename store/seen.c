// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * seen.c - see seen.h. Each generation is an open-addressed table of non-zero hashes that doubles when three
 * quarters full. An ended connection leaves a tombstone, which the next doubling or generation clears away.
 */
#include "store/seen.h"

#include <stdlib.h>
#include <string.h>

#define GENERATION_S 3600
#define FIRST_SIZE 64
#define TOMBSTONE UINT64_MAX

struct generation {
	uint64_t *slot;
	size_t size; /* a power of two, 0 = nothing allocated */
	size_t used; /* tombstones included */
	size_t live;
};

struct seen {
	struct generation now, before;
	int64_t since_s;
};

struct seen *seen_new(void)
{
	return calloc(1, sizeof(struct seen));
}

static void generation_free(struct generation *g)
{
	free(g->slot);
	memset(g, 0, sizeof(*g));
}

void seen_free(struct seen *s)
{
	if (!s)
		return;
	generation_free(&s->now);
	generation_free(&s->before);
	free(s);
}

static uint64_t *generation_find(const struct generation *g, uint64_t hash)
{
	size_t i;

	if (g->size == 0)
		return NULL;
	for (i = hash & (g->size - 1); g->slot[i]; i = (i + 1) & (g->size - 1))
		if (g->slot[i] == hash)
			return &g->slot[i];
	return NULL;
}

static void generation_remove(struct generation *g, uint64_t *slot)
{
	if (!slot)
		return;
	*slot = TOMBSTONE;
	if (--g->live == 0)
		generation_free(g);
}

static void generation_insert(struct generation *g, uint64_t hash)
{
	size_t i = hash & (g->size - 1);

	while (g->slot[i])
		i = (i + 1) & (g->size - 1);
	g->slot[i] = hash;
	g->used++;
	g->live++;
}

static bool generation_room(struct generation *g)
{
	struct generation bigger = {.size = FIRST_SIZE};
	size_t i;

	if (g->used * 4 < g->size * 3)
		return true;
	while (bigger.size < g->live * 2)
		bigger.size *= 2;
	bigger.slot = calloc(bigger.size, sizeof(*bigger.slot));
	if (!bigger.slot)
		return false;
	for (i = 0; i < g->size; i++)
		if (g->slot[i] && g->slot[i] != TOMBSTONE)
			generation_insert(&bigger, g->slot[i]);
	free(g->slot);
	*g = bigger;
	return true;
}

static void next_generation(struct seen *s, int64_t now_s)
{
	if (s->now.live < SEEN_MAX && now_s - s->since_s < GENERATION_S && now_s >= s->since_s)
		return;
	generation_free(&s->before);
	s->before = s->now;
	memset(&s->now, 0, sizeof(s->now));
	s->since_s = now_s;
}

bool seen_first(struct seen *s, uint64_t connection, bool ended, int64_t now_s)
{
	uint64_t hash = connection == 0 || connection == TOMBSTONE ? 1 : connection;
	uint64_t *now, *before;
	bool first;

	next_generation(s, now_s);
	now = generation_find(&s->now, hash);
	before = now ? NULL : generation_find(&s->before, hash);
	first = !now && !before;
	if (ended) {
		generation_remove(&s->now, now);
		generation_remove(&s->before, before);
	} else if (!now) {
		generation_remove(&s->before, before);
		if (generation_room(&s->now))
			generation_insert(&s->now, hash);
	}
	return first;
}

size_t seen_count(const struct seen *s)
{
	return s->now.live + s->before.live;
}
