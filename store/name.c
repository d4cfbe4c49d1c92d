// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * name.c - see name.h. A chained hash table that doubles, and goes when the last name does.
 */
#include "store/name.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 64

static uint32_t hash_of(const char *text, unsigned source)
{
	uint32_t h = 2166136261u ^ source;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 16777619u;
	return h ^ h >> 15;
}

/* Longer chains are the worst that happens when there is no memory. */
static void grow(struct name_table *t)
{
	size_t size = t->size ? t->size * 2 : FIRST_SIZE, i;
	struct name **chain = calloc(size, sizeof(*chain)), *n, *next;

	if (!chain)
		return;
	for (i = 0; i < t->size; i++)
		for (n = t->chain[i]; n; n = next) {
			next = n->next;
			n->next = chain[n->hash & (size - 1)];
			chain[n->hash & (size - 1)] = n;
		}
	free(t->chain);
	t->chain = chain;
	t->size = size;
}

struct name *name_intern(struct name_table *t, const char *text, unsigned source)
{
	uint32_t hash = hash_of(text, source);
	size_t len = strlen(text);
	struct name *n;

	for (n = t->size ? t->chain[hash & (t->size - 1)] : NULL; n; n = n->next)
		if (n->hash == hash && n->source == source && strcmp(n->text, text) == 0)
			return name_ref(n);
	if (t->count >= t->size)
		grow(t);
	if (t->size == 0 || !(n = calloc(1, sizeof(*n) + len + 1)))
		return NULL;
	memcpy(n->text, text, len + 1);
	n->source = (uint16_t)source;
	n->hash = hash;
	n->next = t->chain[hash & (t->size - 1)];
	t->chain[hash & (t->size - 1)] = n;
	t->count++;
	return name_ref(n);
}

struct name *name_ref(struct name *n)
{
	if (n)
		n->refs++;
	return n;
}

void name_unref(struct name_table *t, struct name *n)
{
	struct name **at;

	if (!n || --n->refs > 0)
		return;
	at = &t->chain[n->hash & (t->size - 1)];
	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	free(n);
	if (--t->count == 0)
		name_table_free(t);
}

void name_table_free(struct name_table *t)
{
	free(t->chain);
	memset(t, 0, sizeof(*t));
}
