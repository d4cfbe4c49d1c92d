// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * places.c - see places.h. One chained hash table by id and one queue by last use, as in the hasher.
 */
#include "store/places.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "store/text.h"

#define BUCKETS 1024

TAILQ_HEAD(place_queue, place);
LIST_HEAD(place_list, place);

struct places {
	struct place *bucket[BUCKETS];
	struct place_queue queue; /* longest unused first */
	struct place_list all;	  /* those that only somebody's reference keeps, too */
	size_t count, max;
};

struct places *places_new(size_t max)
{
	struct places *ps = calloc(1, sizeof(*ps));

	if (!ps)
		return NULL;
	ps->max = max;
	TAILQ_INIT(&ps->queue);
	LIST_INIT(&ps->all);
	return ps;
}

struct place *place_ref(struct place *p)
{
	if (p)
		p->refs++;
	return p;
}

void place_unref(struct place *p)
{
	if (!p || --p->refs > 0)
		return;
	LIST_REMOVE(p, all);
	free(p->runtime);
	free(p->container);
	free(p->unit);
	free(p->path);
	free(p);
}

static struct place **bucket(struct places *ps, uint64_t id)
{
	return &ps->bucket[(id * 0x9e3779b97f4a7c15u >> 32) % BUCKETS];
}

static void forget(struct places *ps, struct place *p)
{
	struct place **at = bucket(ps, p->id);

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	TAILQ_REMOVE(&ps->queue, p, queue);
	ps->count--;
	place_unref(p);
}

void places_free(struct places *ps)
{
	while (ps && !TAILQ_EMPTY(&ps->queue))
		forget(ps, TAILQ_FIRST(&ps->queue));
	free(ps);
}

struct place *places_find(struct places *ps, uint64_t id)
{
	struct place *p = *bucket(ps, id);

	while (p && p->id != id)
		p = p->next;
	if (p && TAILQ_NEXT(p, queue)) {
		TAILQ_REMOVE(&ps->queue, p, queue);
		TAILQ_INSERT_TAIL(&ps->queue, p, queue);
	}
	return p;
}

/* The next string of a wire_place; NULL = there is none. False: no memory. */
static bool take_text(char **to, const char **from, size_t len)
{
	if (len > 0 && !(*to = text_clean(*from, len - 1)))
		return false;
	*from += len;
	return true;
}

int places_add(struct places *ps, const struct wire_place *wire)
{
	const char *text = (const char *)(wire + 1);
	struct place *p;

	if (places_find(ps, wire->id))
		return 0;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->refs = 1;
	p->id = wire->id;
	p->cgroup_id = wire->cgroup_id;
	LIST_INSERT_HEAD(&ps->all, p, all);
	if (!take_text(&p->runtime, &text, wire->runtime_len) ||
	    !take_text(&p->container, &text, wire->container_len) ||
	    !take_text(&p->unit, &text, wire->unit_len) || !take_text(&p->path, &text, wire->path_len)) {
		place_unref(p);
		return -ENOMEM;
	}
	if (ps->count >= ps->max)
		forget(ps, TAILQ_FIRST(&ps->queue));
	p->next = *bucket(ps, p->id);
	*bucket(ps, p->id) = p;
	TAILQ_INSERT_TAIL(&ps->queue, p, queue);
	ps->count++;
	return 0;
}

const char *place_name(const struct place *p)
{
	if (!p)
		return NULL;
	return p->container ? p->container : p->unit ? p->unit : p->path;
}

size_t places_count(const struct places *ps)
{
	return ps->count;
}

void places_forget_rows(struct places *ps)
{
	struct place *p;

	LIST_FOREACH(p, &ps->all, all)
	{
		p->row = 0;
		p->last_hour_s = 0;
	}
}
