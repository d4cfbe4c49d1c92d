// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * processes.c - see processes.h. Keys are chained by process (tgid, start), newest image first; each is in
 * one of two queues, the live and the ended, in the order in which it came there.
 *
 * What is asked for seldom is made late: most processes never use the network nor have children that do, so
 * a key holds its command and its parent, and becomes an image only when somebody needs one.
 */
#include "store/processes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define FIRST_SIZE 256
#define ENDED_WINDOWS 2

struct process {
	struct process *next;
	TAILQ_ENTRY(process) queue;
	struct wire_image_key key;
	struct wire_image_key parent_key; /* not found yet; tgid 0 = nothing to find */
	struct command *command;
	struct image *parent;
	struct place *place; /* NULL = unknown */
	struct image *image; /* NULL until somebody asked */
	uint64_t ended_window;
	bool ended;
};

TAILQ_HEAD(process_queue, process);

struct processes {
	struct images *images;
	struct process **chain;
	size_t size, count, max;
	struct process_queue live, ended;
	uint64_t window;
	uint64_t evicted; /* live ones, since processes_window() told */
};

struct processes *processes_new(struct images *im, size_t max)
{
	struct processes *ps = calloc(1, sizeof(*ps));

	if (!ps)
		return NULL;
	ps->images = im;
	ps->max = max;
	ps->size = FIRST_SIZE;
	TAILQ_INIT(&ps->live);
	TAILQ_INIT(&ps->ended);
	ps->chain = calloc(ps->size, sizeof(struct process *));
	if (!ps->chain) {
		free(ps);
		return NULL;
	}
	return ps;
}

static size_t slot(const struct processes *ps, const struct wire_image_key *key)
{
	uint64_t h = (key->start_ns ^ (uint64_t)key->tgid << 40) * 0x9e3779b97f4a7c15u;

	return (size_t)(h >> 32) & (ps->size - 1);
}

static bool same_process(const struct process *p, const struct wire_image_key *key)
{
	return p->key.tgid == key->tgid && p->key.start_ns == key->start_ns;
}

static void process_free(struct processes *ps, struct process *p)
{
	struct process **at = &ps->chain[slot(ps, &p->key)];

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	TAILQ_REMOVE(p->ended ? &ps->ended : &ps->live, p, queue);
	ps->count--;
	images_unref(ps->images, p->image);
	images_unref(ps->images, p->parent);
	images_command_unref(ps->images, p->command);
	place_unref(p->place);
	free(p);
}

void processes_free(struct processes *ps)
{
	struct process *p;

	if (!ps)
		return;
	while ((p = TAILQ_FIRST(&ps->ended)) || (p = TAILQ_FIRST(&ps->live)))
		process_free(ps, p);
	free(ps->chain);
	free(ps);
}

static void resize(struct processes *ps, size_t size)
{
	struct process **old = ps->chain, *p, *next, **tail;
	size_t old_size = ps->size, i;

	ps->chain = calloc(size, sizeof(struct process *));
	if (!ps->chain) {
		ps->chain = old; /* longer chains are no disaster */
		return;
	}
	ps->size = size;
	for (i = 0; i < old_size; i++)
		for (p = old[i]; p; p = next) { /* to the end, to keep the newest image first */
			next = p->next;
			for (tail = &ps->chain[slot(ps, &p->key)]; *tail; tail = &(*tail)->next)
				;
			p->next = NULL;
			*tail = p;
		}
	free(old);
}

static void end(struct processes *ps, struct process *p)
{
	if (p->ended)
		return;
	TAILQ_REMOVE(&ps->live, p, queue);
	TAILQ_INSERT_TAIL(&ps->ended, p, queue);
	p->ended = true;
	p->ended_window = ps->window;
}

static void make_room(struct processes *ps)
{
	struct process *p;

	while (ps->count >= ps->max) {
		p = TAILQ_FIRST(&ps->ended);
		if (!p) {
			p = TAILQ_FIRST(&ps->live);
			ps->evicted++;
		}
		process_free(ps, p);
	}
	if (ps->count >= ps->size)
		resize(ps, ps->size * 2);
}

static struct process *process_new(struct processes *ps, const struct wire_image_key *key)
{
	struct process *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	make_room(ps);
	p->key = *key;
	p->next = ps->chain[slot(ps, key)];
	ps->chain[slot(ps, key)] = p;
	TAILQ_INSERT_TAIL(&ps->live, p, queue);
	ps->count++;
	return p;
}

static struct process *find(const struct processes *ps, const struct wire_image_key *key)
{
	struct process *p;

	for (p = ps->chain[slot(ps, key)]; p; p = p->next)
		if (same_process(p, key) && p->key.exec_id == key->exec_id)
			return p;
	return NULL;
}

/* Borrowed. Looks for a parent that was described after its child (running before we did, in any order). Keys
 * come from outside and may claim to be each other's parents: each is followed once. */
static struct image *image_of(struct processes *ps, struct process *p, unsigned depth)
{
	struct wire_image_key key = p->parent_key;
	struct process *parent = NULL;
	struct image *found = NULL;

	if (p->image || !p->command)
		return p->image;
	if (!p->parent && key.tgid != 0 && depth < IMAGES_DEPTH_MAX)
		parent = find(ps, &key);
	if (parent) {
		p->parent_key.tgid = 0;
		found = image_of(ps, parent, depth + 1);
		p->parent_key = key;
	}
	if (p->image)
		return p->image; /* it was its own ancestor */
	if (found)
		p->parent = image_ref(found);
	p->image = images_intern(ps->images, p->command, p->parent, p->place);
	return p->image;
}

struct image *processes_image(struct processes *ps, const struct wire_image_key *key)
{
	struct process *p = find(ps, key);

	return p ? image_of(ps, p, 0) : NULL;
}

/* exec_id rises with each execve, and a fork begins with its parent's. */
bool processes_forked_from(const struct processes *ps, const struct wire_image_key *key,
			   struct wire_image_key *parent)
{
	const struct process *p = find(ps, key);

	if (!p || p->parent_key.tgid == 0 || p->parent_key.exec_id != key->exec_id)
		return false;
	*parent = p->parent_key;
	return true;
}

static const char *newest_exe(const struct process_queue *q, uint32_t tgid)
{
	const struct process *p;

	TAILQ_FOREACH_REVERSE(p, q, process_queue, queue)
	if (p->key.tgid == tgid && p->command)
		return p->command->program->exe;
	return NULL;
}

const char *processes_exe(const struct processes *ps, uint32_t tgid)
{
	const char *exe = newest_exe(&ps->live, tgid);

	return exe ? exe : newest_exe(&ps->ended, tgid);
}

/* For one that has no parent yet. Its key is set last: the parent may claim to be its child. */
static void set_parent(struct processes *ps, struct process *p, const struct wire_image_key *key)
{
	struct process *parent = key->tgid != 0 ? find(ps, key) : NULL;
	struct image *image = parent && parent != p ? image_of(ps, parent, 0) : NULL;

	p->parent_key = *key;
	if (image && !p->parent)
		p->parent = image_ref(image);
}

/* It is not what it was. Who holds its image keeps it: it was true then. */
static void renew(struct processes *ps, struct process *p)
{
	images_unref(ps->images, p->image);
	p->image = NULL;
}

static void set_command(struct processes *ps, struct process *p, struct command *c)
{
	c->refs++;
	images_command_unref(ps->images, p->command);
	p->command = c;
	renew(ps, p);
}

/* Where it used the network is what counts, not where it was started; and a container that only the second
 * look found is believed. */
static void set_place(struct processes *ps, struct process *p, struct place *place)
{
	if (!place || place == p->place ||
	    (p->place && p->place->cgroup_id == place->cgroup_id &&
	     (p->place->container || !place->container)))
		return;
	place_unref(p->place);
	p->place = place_ref(place);
	renew(ps, p);
}

/* Said again by a later source: believe it only where the first was silent. */
static bool fills_gap(const struct command *old, const struct command *later)
{
	if (!old)
		return true;
	if (old->program == later->program)
		return !old->cmdline && later->cmdline;
	if (!old->program->exe && later->program->exe)
		return true;
	return old->program->hash_error > WIRE_HASH_PENDING &&
	       later->program->hash_error <= WIRE_HASH_PENDING && old->program->exe && later->program->exe &&
	       strcmp(old->program->exe, later->program->exe) == 0;
}

/* execve changes the program, not the parent (the reaper of orphans is not who started it), and ends what the
 * process ran before. */
static void succeed(struct processes *ps, struct process *p)
{
	struct process *before = p->next;

	while (before && !same_process(before, &p->key))
		before = before->next;
	if (!before)
		return;
	p->parent_key = before->parent_key;
	if (before->parent)
		p->parent = image_ref(before->parent);
	if ((int32_t)(p->key.exec_id - before->key.exec_id) > 0)
		end(ps, before);
}

int processes_exec(struct processes *ps, const struct wire_exec *exec, struct command *c, struct place *place)
{
	struct process *p = find(ps, &exec->image);

	if (p && p->command && exec->source != WIRE_EXEC_EXECVE) {
		/* a kernel thread gets its name after it was forked */
		if (fills_gap(p->command, c) || exec->flags & WIRE_EXEC_KERNEL)
			set_command(ps, p, c);
		set_place(ps, p, place);
		return 0;
	}
	if (!p) {
		p = process_new(ps, &exec->image);
		if (!p)
			return -ENOMEM;
		succeed(ps, p);
	}
	set_command(ps, p, c);
	set_place(ps, p, place);
	if (!p->parent && p->parent_key.tgid == 0)
		set_parent(ps, p, &exec->parent);
	return 0;
}

/* The child starts as a copy of whoever forked, and has it as its parent. */
int processes_fork(struct processes *ps, const struct wire_fork *fork)
{
	struct process *parent = find(ps, &fork->parent), *child = find(ps, &fork->child);
	struct image *image = parent ? image_of(ps, parent, 0) : NULL;
	struct command *command = parent ? parent->command : NULL;
	struct place *place = parent ? parent->place : NULL;

	if (!image || child)
		return 0; /* a record from the child itself may come and say what it can */
	image_ref(image); /* making room may free the parent */
	place_ref(place);
	command->refs++;
	child = process_new(ps, &fork->child);
	if (child) {
		child->command = command;
		child->parent = image;
		child->place = place;
		child->parent_key = fork->parent;
		return 0;
	}
	images_command_unref(ps->images, command);
	images_unref(ps->images, image);
	place_unref(place);
	return -ENOMEM;
}

void processes_exit(struct processes *ps, const struct wire_exit *ended)
{
	struct wire_image_key key = {.tgid = ended->tgid, .start_ns = ended->start_ns};
	struct process *p;

	for (p = ps->chain[slot(ps, &key)]; p; p = p->next)
		if (same_process(p, &key))
			end(ps, p);
}

uint64_t processes_window(struct processes *ps)
{
	uint64_t evicted = ps->evicted;
	struct process *p;

	ps->window++;
	while ((p = TAILQ_FIRST(&ps->ended)) && p->ended_window + ENDED_WINDOWS < ps->window)
		process_free(ps, p);
	if (ps->size > FIRST_SIZE && ps->count < ps->size / 8)
		resize(ps, ps->size / 4);
	ps->evicted = 0;
	return evicted;
}

size_t processes_count(const struct processes *ps)
{
	return ps->count;
}
