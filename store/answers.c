// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * answers.c - see answers.h. Chained by address alone, so that one walk finds what each of the ways to know a
 * name has to say; one queue by time of the last answer.
 */
#include "store/answers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "store/mix.h"

#define NS UINT64_C(1000000000)
#define FIRST_SIZE 64
#define ANCESTORS_MAX 8 /* a server forks a worker for each of its sockets, not chains of them */

struct answer {
	struct answer *next;
	TAILQ_ENTRY(answer) queue;
	struct name *name;
	struct name *shared; /* the same, for others; NULL until one asks */
	wire_ns from_ns;     /* first told, and good ever since */
	wire_ns told_ns;     /* last */
	wire_ns until_ns;
	wire_ns system_from_ns, system_until_ns; /* a name server of this machine said so; 0: none */
	uint64_t start_ns;			 /* of the process; tgid 0: not told to a process */
	uint32_t tgid;
	uint32_t netns; /* 0: in all of them */
	uint16_t family;
	uint8_t addr[WIRE_ADDR_SIZE];
};

TAILQ_HEAD(answer_queue, answer);

struct answers {
	struct name_table *names;
	struct images *images;
	struct answer **chain;
	size_t size, count;
	struct answer_queue queue; /* told longest ago first */
};

/* What of an answer is of use to who asks, best first. */
enum use {
	USE_OWN,
	USE_SHARED,
	USE_HOSTS,
	USE_OWNER,
	USE_NONE
};

struct answers *answers_new(struct name_table *names, struct images *images)
{
	struct answers *as = calloc(1, sizeof(*as));

	if (!as)
		return NULL;
	as->names = names;
	as->images = images;
	TAILQ_INIT(&as->queue);
	return as;
}

static struct answer **chain_of(const struct answers *as, int family, const uint8_t *addr)
{
	return &as->chain[mix((uint64_t)family, addr, WIRE_ADDR_SIZE) & (as->size - 1)];
}

static bool is_of(const struct answer *a, int family, const uint8_t *addr)
{
	return a->family == family && memcmp(a->addr, addr, WIRE_ADDR_SIZE) == 0;
}

static void forget(struct answers *as, struct answer *a)
{
	struct answer **at = chain_of(as, a->family, a->addr);

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	TAILQ_REMOVE(&as->queue, a, queue);
	as->count--;
	name_unref(as->names, a->shared);
	name_unref(as->names, a->name);
	free(a);
}

void answers_free(struct answers *as)
{
	while (as && !TAILQ_EMPTY(&as->queue))
		forget(as, TAILQ_FIRST(&as->queue));
	free(as ? as->chain : NULL);
	free(as);
}

static void grow(struct answers *as)
{
	struct answer **old = as->chain, *a, *next, **at;
	size_t old_size = as->size, i;

	as->chain = calloc(old_size ? old_size * 2 : FIRST_SIZE, sizeof(*old));
	if (!as->chain) {
		as->chain = old;
		return;
	}
	as->size = old_size ? old_size * 2 : FIRST_SIZE;
	for (i = 0; i < old_size; i++)
		for (a = old[i]; a; a = next) {
			next = a->next;
			at = chain_of(as, a->family, a->addr);
			a->next = *at;
			*at = a;
		}
	free(old);
}

/* Of a hosts file one name is kept for an address: lists of what is blocked have thousands for 0.0.0.0. */
static bool says_same(const struct answer *a, const struct wire_name *w, const char *text)
{
	if (a->tgid != w->image.tgid || a->start_ns != w->image.start_ns || a->netns != w->netns)
		return false;
	return (a->name->source == WIRE_NAME_HOSTS && w->source == WIRE_NAME_HOSTS) ||
	       strcmp(a->name->text, text) == 0;
}

/* The one that says the same already, and room for another if there is none. */
static struct answer *find_same(struct answers *as, const struct wire_name *w, const char *text)
{
	struct answer *a, *oldest = NULL;
	unsigned n = 0;

	for (a = as->size ? *chain_of(as, w->family, w->addr) : NULL; a; a = a->next) {
		if (!is_of(a, w->family, w->addr))
			continue;
		if (says_same(a, w, text))
			return a;
		if (!oldest || a->told_ns < oldest->told_ns)
			oldest = a;
		n++;
	}
	if (n >= ANSWERS_PER_ADDRESS)
		forget(as, oldest);
	else if (as->count >= ANSWERS_MAX)
		forget(as, TAILQ_FIRST(&as->queue));
	return NULL;
}

static wire_ns end_of(const struct wire_name *w)
{
	__u32 ttl_s = w->ttl_s;

	if (w->source != WIRE_NAME_HOSTS && ttl_s > ANSWERS_TTL_MAX_S)
		ttl_s = ANSWERS_TTL_MAX_S;
	return w->time_ns + ((__u64)ttl_s + ANSWERS_GRACE_S) * NS;
}

/* By whom was it told? text and lives are those of the answer already. */
static void vouch(struct answer *a, const struct wire_name *w)
{
	wire_ns end = end_of(w);

	if (!(w->flags & WIRE_NAME_SYSTEM))
		return;
	if (w->time_ns > a->system_until_ns)
		a->system_from_ns = w->time_ns;
	a->system_until_ns = end > a->system_until_ns ? end : a->system_until_ns;
}

/* Told again: while it was still good, and by a lesser source, it stays what it was for longer. */
static int renew(struct answers *as, struct answer *a, const struct wire_name *w, const char *text)
{
	bool same = strcmp(a->name->text, text) == 0, good = same && w->time_ns <= a->until_ns;
	wire_ns end = end_of(w);
	struct name *name;

	if (w->source == WIRE_NAME_HOSTS && w->ttl_s == 0) { /* taken out of the file */
		a->until_ns = a->system_until_ns = same ? w->time_ns : a->until_ns;
		return 0;
	}
	if (!same && w->time_ns < a->told_ns + NS)
		return 0; /* another line of the same hosts file */
	if (!good || w->source < a->name->source) {
		if (!(name = name_intern(as->names, text, w->source)))
			return -ENOMEM;
		name_unref(as->names, a->name);
		a->name = name;
	}
	if (!good) {
		a->from_ns = w->time_ns;
		a->system_from_ns = a->system_until_ns = 0;
	}
	a->told_ns = w->time_ns;
	a->until_ns = !good || end > a->until_ns ? end : a->until_ns;
	vouch(a, w);
	TAILQ_REMOVE(&as->queue, a, queue);
	TAILQ_INSERT_TAIL(&as->queue, a, queue);
	return 0;
}

int answers_add(struct answers *as, const struct wire_name *w)
{
	const char *text = (const char *)(w + 1);
	struct answer *a = find_same(as, w, text), **at;

	if (a)
		return renew(as, a, w, text);
	if (as->count >= as->size)
		grow(as);
	if (as->size == 0 || !(a = calloc(1, sizeof(*a))))
		return -ENOMEM;
	if (!(a->name = name_intern(as->names, text, w->source))) {
		free(a);
		return -ENOMEM;
	}
	a->from_ns = a->told_ns = w->time_ns;
	a->until_ns = end_of(w);
	vouch(a, w);
	a->tgid = w->image.tgid;
	a->start_ns = w->image.start_ns;
	a->netns = w->netns;
	a->family = w->family;
	memcpy(a->addr, w->addr, sizeof(a->addr));
	at = chain_of(as, a->family, a->addr);
	a->next = *at;
	*at = a;
	TAILQ_INSERT_TAIL(&as->queue, a, queue);
	as->count++;
	return 0;
}

/* Whose answers are as good as own ones: the process, and those it was forked from and is a copy of. */
struct family {
	struct wire_image_key member[ANCESTORS_MAX];
	size_t n;
};

static void find_family(struct images *images, const struct wire_image_key *image, struct family *f)
{
	f->member[0] = *image;
	for (f->n = 1;
	     f->n < ANCESTORS_MAX && images_forked_from(images, &f->member[f->n - 1], &f->member[f->n]);
	     f->n++)
		;
}

static bool is_member(const struct family *f, const struct answer *a)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->member[i].tgid == a->tgid && f->member[i].start_ns == a->start_ns)
			return true;
	return false;
}

static enum use use_of(const struct answer *a, const struct answers_ask *ask, const struct family *f)
{
	if (a->tgid != 0 && is_member(f, a))
		return USE_OWN;
	if (a->netns != 0 ? a->netns != ask->netns : a->tgid != 0)
		return USE_NONE;
	switch (a->name->source) {
	case WIRE_NAME_HOSTS:
		return USE_HOSTS;
	case WIRE_NAME_PTR:
		return USE_OWNER;
	default: /* told to another, or to whom is not known */
		return USE_SHARED;
	}
}

/* When it was told last before the connection began. */
static wire_ns told_before(const struct answer *a, wire_ns begin)
{
	return a->told_ns <= begin ? a->told_ns : a->from_ns;
}

/* Was it, when the connection began? Who owns an address was asked when it was seen. */
static bool is_good(const struct answer *a, wire_ns begin)
{
	return begin <= a->until_ns && (begin + NS >= a->from_ns || a->name->source == WIRE_NAME_PTR);
}

struct name *answers_find(struct answers *as, const struct answers_ask *ask)
{
	struct answer *a = as->size ? *chain_of(as, ask->family, ask->addr) : NULL, *best = NULL;
	enum use best_use = USE_NONE, use;
	struct family family = {.n = 0};

	for (; a; a = a->next) {
		if (!is_of(a, ask->family, ask->addr) || !is_good(a, ask->begin_ns))
			continue;
		if (family.n == 0)
			find_family(as->images, &ask->image, &family);
		use = use_of(a, ask, &family);
		if (use < best_use || (use == best_use && best &&
				       told_before(a, ask->begin_ns) > told_before(best, ask->begin_ns))) {
			best = a;
			best_use = use;
		}
	}
	if (!best || best_use != USE_SHARED)
		return best ? best->name : NULL;
	if (!best->shared)
		best->shared = name_intern(as->names, best->name->text, WIRE_NAME_SHARED);
	return best->shared;
}

bool answers_vouch(const struct answers *as, const struct answers_ask *ask, const char *text)
{
	const struct answer *a = as->size ? *chain_of(as, ask->family, ask->addr) : NULL;

	for (; a; a = a->next)
		if (a->system_until_ns && is_of(a, ask->family, ask->addr) && a->netns == ask->netns &&
		    ask->begin_ns + NS >= a->system_from_ns && ask->begin_ns <= a->system_until_ns &&
		    strcmp(a->name->text, text) == 0)
			return true;
	return false;
}

size_t answers_count(const struct answers *as)
{
	return as->count;
}
