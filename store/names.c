// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * names.c - see names.h. Two tables of the same kind: claims by the socket and its peer, resolved names by
 * connection; chained, with one queue each by last use.
 */
#include "store/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "store/mix.h"

#define FIRST_SIZE 64

struct held {
	struct held *next;
	TAILQ_ENTRY(held) queue;
	struct name *name;
	bool hides; /* a resolved one that "Log ignore" may match */
	uint64_t key;
	uint64_t ended_window; /* 0: it goes on */
};

TAILQ_HEAD(held_queue, held);

struct table {
	struct held **chain;
	size_t size, count, ended;
	struct held_queue queue; /* longest unused first */
};

struct names {
	struct name_table names;
	struct answers *answers;
	struct table claims, resolved;
	uint64_t window; /* counted from 1 */
};

struct names *names_new(struct images *images)
{
	struct names *n = calloc(1, sizeof(*n));

	if (!n || !(n->answers = answers_new(&n->names, images))) {
		free(n);
		return NULL;
	}
	n->window = 1;
	TAILQ_INIT(&n->claims.queue);
	TAILQ_INIT(&n->resolved.queue);
	return n;
}

static struct held **chain_of(const struct table *t, uint64_t key)
{
	return &t->chain[(key * 0x9e3779b97f4a7c15u >> 32) & (t->size - 1)];
}

static struct held *find(const struct table *t, uint64_t key)
{
	struct held *h = t->size ? *chain_of(t, key) : NULL;

	while (h && h->key != key)
		h = h->next;
	return h;
}

static void forget(struct names *n, struct table *t, struct held *h)
{
	struct held **at = chain_of(t, h->key);

	while (*at != h)
		at = &(*at)->next;
	*at = h->next;
	TAILQ_REMOVE(&t->queue, h, queue);
	t->ended -= h->ended_window != 0;
	name_unref(&n->names, h->name);
	free(h);
	if (--t->count == 0) { /* nothing is held on an idle machine */
		free(t->chain);
		t->chain = NULL;
		t->size = 0;
	}
}

static void forget_all(struct names *n, struct table *t)
{
	while (!TAILQ_EMPTY(&t->queue))
		forget(n, t, TAILQ_FIRST(&t->queue));
}

void names_free(struct names *n)
{
	if (!n)
		return;
	forget_all(n, &n->claims);
	forget_all(n, &n->resolved);
	answers_free(n->answers);
	name_table_free(&n->names);
	free(n);
}

static void grow(struct table *t)
{
	size_t size = t->size ? t->size * 2 : FIRST_SIZE;
	struct held **chain = calloc(size, sizeof(*chain)), *h, **at;

	if (!chain)
		return;
	free(t->chain);
	t->chain = chain;
	t->size = size;
	TAILQ_FOREACH(h, &t->queue, queue)
	{
		at = chain_of(t, h->key);
		h->next = *at;
		*at = h;
	}
}

/* Takes the reference to name. */
static int hold(struct names *n, struct table *t, uint64_t key, struct name *name, bool hides)
{
	struct held *h = find(t, key), **at;

	if (h) {
		name_unref(&n->names, h->name);
		h->name = name;
		h->hides = hides;
		return 0;
	}
	if (t->count >= NAMES_CONNECTIONS_MAX)
		forget(n, t, TAILQ_FIRST(&t->queue));
	if (t->count >= t->size)
		grow(t);
	if (t->size == 0 || !(h = calloc(1, sizeof(*h)))) {
		name_unref(&n->names, name);
		return -ENOMEM;
	}
	h->key = key;
	h->name = name;
	h->hides = hides;
	at = chain_of(t, key);
	h->next = *at;
	*at = h;
	TAILQ_INSERT_TAIL(&t->queue, h, queue);
	t->count++;
	return 0;
}

/* What is held under key, used now; ends: for the last time but one window. */
static const struct held *use(struct names *n, struct table *t, uint64_t key, bool ends)
{
	struct held *h = find(t, key);

	if (!h)
		return NULL;
	TAILQ_REMOVE(&t->queue, h, queue);
	TAILQ_INSERT_TAIL(&t->queue, h, queue);
	if (ends && !h->ended_window) {
		h->ended_window = n->window;
		t->ended++;
	}
	return h;
}

/* Of a claim: whoever uses the socket, and of its peers this one only. Whoever finds another that gives the
 * same has found how to call a connection of their own by a name of their own. */
static uint64_t claim_key(uint64_t cookie, const uint8_t addr[WIRE_ADDR_SIZE], uint16_t rport)
{
	return (mix(cookie * 0x9e3779b97f4a7c15u, addr, WIRE_ADDR_SIZE) ^ rport) * 0xc4ceb9fe1a85ec53u;
}

int names_add(struct names *n, const struct wire_name *w)
{
	struct name *name;

	if (!WIRE_NAME_IS_CLAIM(w->source))
		return answers_add(n->answers, w);
	name = name_intern(&n->names, (const char *)(w + 1), w->source);
	return name ? hold(n, &n->claims, claim_key(w->cookie, w->addr, w->rport), name, false) : -ENOMEM;
}

/* What is kept of the connection. */
static bool find_held(struct names *n, const struct names_connection *c, struct names_of *of)
{
	const struct held *h;

	if (!c->incoming && (h = use(n, &n->claims, claim_key(c->cookie, c->ask.addr, c->rport), c->ends)))
		of->claim = h->name;
	h = use(n, &n->resolved, c->id, c->ends);
	of->resolved = h ? h->name : NULL;
	return h && h->hides;
}

bool names_find(struct names *n, const struct names_connection *c, struct names_of *of)
{
	struct name *found;
	bool hides;

	*of = (struct names_of){NULL, NULL};
	hides = c->cookie && find_held(n, c, of);
	if ((!c->begins && of->resolved) || (hides && names_is_own(of->resolved)))
		return hides;
	found = answers_find(n->answers, &c->ask);
	/* nobody waits for a reverse lookup: it may name what has begun before */
	if (!c->begins && found && found->source != WIRE_NAME_PTR)
		found = NULL;
	if (!of->resolved || (found && found->source < of->resolved->source)) {
		of->resolved = found;
		hides = false;
	}
	if (!of->resolved)
		return false;
	if (of->resolved->source != WIRE_NAME_PTR)
		hides = hides || answers_vouch(n->answers, &c->ask, of->resolved->text);
	if (c->cookie && !c->ends)
		(void)hold(n, &n->resolved, c->id, name_ref(of->resolved), hides);
	return hides;
}

bool names_is_own(const struct name *resolved)
{
	return resolved && resolved->source < WIRE_NAME_SHARED;
}

void names_ref(const struct names_of *of)
{
	name_ref(of->claim);
	name_ref(of->resolved);
}

void names_unref(struct names *n, const struct names_of *of)
{
	name_unref(&n->names, of->claim);
	name_unref(&n->names, of->resolved);
}

/* Any claim is better than any resolved name: the order of enum wire_name_source. */
struct name *names_best(const struct names_of *of)
{
	return of->claim ? of->claim : of->resolved;
}

struct name *names_other(const struct names_of *of)
{
	if (!of->claim || !of->resolved || of->resolved->source == WIRE_NAME_PTR ||
	    strcmp(of->claim->text, of->resolved->text) == 0)
		return NULL;
	return of->resolved;
}

static void window_of(struct names *n, struct table *t)
{
	struct held *h, *next;

	for (h = t->ended ? TAILQ_FIRST(&t->queue) : NULL; h; h = next) {
		next = TAILQ_NEXT(h, queue);
		if (h->ended_window && h->ended_window < n->window)
			forget(n, t, h);
	}
}

void names_window(struct names *n)
{
	window_of(n, &n->claims);
	window_of(n, &n->resolved);
	n->window++;
}
