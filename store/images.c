// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * images.c - see images.h. Interns images in a chained hash table; processes.c maps keys to them.
 */
#include "store/images.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/wire_check.h"
#include "store/processes.h"
#include "store/schema.h"
#include "store/text.h"

#define FIRST_SIZE 256

struct images {
	struct programs *programs;
	struct places *places;
	struct processes *processes;
	struct image **chain;
	size_t size, count;
	size_t text; /* bytes of command lines held */
};

struct images *images_new(struct programs *programs, struct places *places, size_t processes_max)
{
	struct images *im = calloc(1, sizeof(*im));

	if (!im)
		return NULL;
	im->programs = programs;
	im->places = places;
	im->size = FIRST_SIZE;
	im->chain = calloc(im->size, sizeof(struct image *));
	im->processes = processes_new(im, processes_max);
	if (!im->chain || !im->processes) {
		images_free(im);
		return NULL;
	}
	return im;
}

void images_free(struct images *im)
{
	if (!im)
		return;
	processes_free(im->processes);
	free(im->chain);
	free(im);
}

static struct command *command_ref(struct command *c)
{
	c->refs++;
	return c;
}

void images_command_unref(struct images *im, struct command *c)
{
	if (!c || --c->refs > 0)
		return;
	program_unref(c->program);
	program_unref(c->script);
	if (c->cmdline)
		im->text -= strlen(c->cmdline) + 1;
	free(c->cmdline);
	free(c->app);
	free(c);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

enum command_where command_where(const struct wire_image *image)
{
	const struct wire_exec *exec = (const void *)(image + 1);

	if (!exec->path_len || exec->flags & (WIRE_EXEC_KERNEL | WIRE_EXEC_NO_FILE | WIRE_EXEC_UNLINKED |
					      WIRE_EXEC_PATH_CUT | WIRE_EXEC_SELF))
		return COMMAND_NOWHERE;
	return image->flags & WIRE_IMAGE_ELSEWHERE ? COMMAND_ELSEWHERE : COMMAND_HERE;
}

static bool same_command(const struct command *a, const struct command *b)
{
	if (a == b)
		return true;
	return a->where == b->where && a->program == b->program && a->script == b->script &&
	       a->script_source == b->script_source && a->flags == b->flags &&
	       same_text(a->cmdline, b->cmdline) && same_text(a->app, b->app);
}

static uint32_t image_hash(const struct command *c, const struct image *parent, const struct place *place)
{
	uint64_t h = ((uintptr_t)c->program >> 4) * 0x9e3779b97f4a7c15u;
	const char *p;

	h ^= ((uintptr_t)parent >> 4) * 0xc2b2ae3d27d4eb4fu;
	h ^= ((uintptr_t)place >> 4) * 0x165667b19e3779f9u;
	h ^= ((uintptr_t)c->script >> 4) * 0x27d4eb2f165667c5u;
	for (p = c->cmdline ? c->cmdline : ""; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3u;
	return (uint32_t)(h ^ h >> 32);
}

static void grow(struct images *im)
{
	struct image **chain, *i, *next;
	size_t size = im->size * 2, n;

	chain = calloc(size, sizeof(*chain));
	if (!chain)
		return;
	for (n = 0; n < im->size; n++)
		for (i = im->chain[n]; i; i = next) {
			next = i->next;
			i->next = chain[i->hash & (size - 1)];
			chain[i->hash & (size - 1)] = i;
		}
	free(im->chain);
	im->chain = chain;
	im->size = size;
}

static struct image *image_new(struct images *im, struct command *c, struct image *parent,
			       struct place *place, uint32_t hash)
{
	struct image *i = calloc(1, sizeof(*i));

	if (!i)
		return NULL;
	if (im->count >= im->size)
		grow(im);
	i->command = command_ref(c);
	i->parent = parent ? image_ref(parent) : NULL;
	i->place = place_ref(place);
	i->depth = parent ? parent->depth + 1 : 0;
	i->hash = hash;
	i->next = im->chain[hash & (im->size - 1)];
	im->chain[hash & (im->size - 1)] = i;
	im->count++;
	return i;
}

static struct image *intern(struct images *im, struct command *c, struct image *parent, struct place *place)
{
	uint32_t hash = image_hash(c, parent, place);
	struct image *i;

	for (i = im->chain[hash & (im->size - 1)]; i; i = i->next)
		if (i->hash == hash && i->parent == parent && i->place == place &&
		    same_command(i->command, c))
			return image_ref(i);
	i = image_new(im, c, parent, place, hash);
	return i ? image_ref(i) : NULL;
}

/* The same parent with one ancestor only. */
static struct image *without_ancestors(struct images *im, struct image *parent)
{
	struct image *top = NULL, *short_one;

	if (parent->parent && !(top = intern(im, parent->parent->command, NULL, parent->parent->place)))
		return NULL;
	short_one = intern(im, parent->command, top, parent->place);
	images_unref(im, top);
	return short_one;
}

/* A chain of forks (a process that forks itself and exits, again and again) must not make an image per fork:
 * one whose parent and grandparent are just like it is shown the same as its parent. Longer chains of
 * different images begin anew at IMAGES_DEPTH_MAX. */
struct image *images_intern(struct images *im, struct command *c, struct image *parent, struct place *place)
{
	struct image *near, *i;

	if (parent && parent->parent && same_command(c, parent->command) &&
	    same_command(c, parent->parent->command) && parent->place == place)
		return image_ref(parent);
	if (!parent || parent->depth < IMAGES_DEPTH_MAX)
		return intern(im, c, parent, place);
	near = without_ancestors(im, parent);
	i = near ? intern(im, c, near, place) : NULL;
	images_unref(im, near);
	return i;
}

struct image *image_ref(struct image *i)
{
	i->refs++;
	return i;
}

void images_unref(struct images *im, struct image *i)
{
	struct image **at, *parent;

	while (i && --i->refs == 0) { /* a loop: giving back the last child gives back its ancestors */
		at = &im->chain[i->hash & (im->size - 1)];
		while (*at != i)
			at = &(*at)->next;
		*at = i->next;
		im->count--;
		parent = i->parent;
		images_command_unref(im, i->command);
		place_unref(i->place);
		free(i);
		i = parent;
	}
}

static char *cmdline_text(struct images *im, const struct wire_exec *exec, bool keep)
{
	bool cut = exec->flags & WIRE_EXEC_ARGV_CUT;
	size_t len = exec->argv_len;

	if (!keep)
		return strdup("");
	if (len == 0)
		return NULL; /* not read, or there is none */
	if (im->text >= IMAGES_TEXT_MAX && len > IMAGES_TEXT_SHORT) {
		len = IMAGES_TEXT_SHORT;
		cut = true;
	}
	return text_command(wire_exec_argv(exec), len, cut);
}

static uint32_t flags_of(const struct wire_image *image, const struct wire_exec *exec)
{
	uint32_t flags = 0;

	if (exec->flags & WIRE_EXEC_UNLINKED)
		flags |= exec->flags & WIRE_EXEC_MEMFD ? SCHEMA_FLAG_MEMFD : SCHEMA_FLAG_DELETED;
	if (exec->flags & WIRE_EXEC_TRACED)
		flags |= SCHEMA_FLAG_TRACED;
	if (exec->flags & WIRE_EXEC_LD_PRELOAD)
		flags |= SCHEMA_FLAG_LD_PRELOAD;
	if (exec->flags & WIRE_EXEC_LD_AUDIT)
		flags |= SCHEMA_FLAG_LD_AUDIT;
	if (exec->flags & WIRE_EXEC_ENV_CUT)
		flags |= SCHEMA_FLAG_ENVIRONMENT_CUT;
	if (image->flags & WIRE_IMAGE_LD_SO_PRELOAD)
		flags |= SCHEMA_FLAG_LD_SO_PRELOAD;
	return flags;
}

static struct command *command_new(struct images *im, const struct wire_image *image, bool keep_cmdline)
{
	const struct wire_exec *exec = (const void *)(image + 1);
	struct command *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->refs = 1;
	c->where = command_where(image);
	c->program = programs_intern(im->programs, image, exec);
	c->cmdline = cmdline_text(im, exec, keep_cmdline);
	if (c->cmdline)
		im->text += strlen(c->cmdline) + 1;
	c->flags = flags_of(image, exec);
	c->script_source = image->script_source;
	if (image->script_len > 0)
		c->script = programs_intern_script(im->programs, image);
	if (image->app_len > 0)
		c->app = text_clean(wire_image_app(image), image->app_len - 1u);
	if (!c->program || (!c->script && image->script_len > 0) || (!c->app && image->app_len > 0) ||
	    (!c->cmdline && keep_cmdline && exec->argv_len > 0)) {
		images_command_unref(im, c);
		return NULL;
	}
	return c;
}

int images_exec(struct images *im, const struct wire_image *image, bool keep_cmdline)
{
	const struct wire_exec *exec = (const void *)(image + 1);
	struct command *c = command_new(im, image, keep_cmdline);
	int rc;

	if (!c)
		return -ENOMEM;
	rc = processes_exec(im->processes, exec, c, places_find(im->places, image->place_id));
	images_command_unref(im, c);
	return rc;
}

struct image *images_intern_told(struct images *im, struct program *program, const char *cmdline,
				 uint32_t flags, struct image *parent)
{
	struct command *c = calloc(1, sizeof(*c));
	struct image *i = NULL;

	if (!c)
		return NULL;
	c->refs = 1;
	c->where = COMMAND_NOWHERE; /* it says nothing of what is there today */
	c->program = program_ref(program);
	c->flags = flags;
	c->cmdline = cmdline ? strdup(cmdline) : NULL;
	if (c->cmdline)
		im->text += strlen(c->cmdline) + 1;
	if (c->cmdline || !cmdline)
		i = intern(im, c, parent, NULL);
	images_command_unref(im, c);
	return i;
}

int images_fork(struct images *im, const struct wire_fork *fork)
{
	return processes_fork(im->processes, fork);
}

void images_exit(struct images *im, const struct wire_exit *end)
{
	processes_exit(im->processes, end);
}

struct image *images_find(struct images *im, const struct wire_image_key *key)
{
	return processes_image(im->processes, key);
}

bool images_forked_from(const struct images *im, const struct wire_image_key *key,
			struct wire_image_key *parent)
{
	return processes_forked_from(im->processes, key, parent);
}

const char *images_exe(const struct images *im, uint32_t tgid)
{
	return processes_exe(im->processes, tgid);
}

uint64_t images_window(struct images *im)
{
	return processes_window(im->processes);
}

size_t images_processes(const struct images *im)
{
	return processes_count(im->processes);
}

size_t images_count(const struct images *im)
{
	return im->count;
}

void images_forget_rows(struct images *im)
{
	struct image *i;
	size_t n;

	for (n = 0; n < im->size; n++)
		for (i = im->chain[n]; i; i = i->next) {
			i->id = 0;
			i->last_hour_s = 0;
		}
	places_forget_rows(im->places);
}
