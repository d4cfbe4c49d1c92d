// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * opened.c - see opened.h. One queue, oldest first: there are few.
 */
#include "hasher/opened.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "hasher/script.h"

/* The script's place: behind the interpreter, an argument, interpreters that are scripts */
#define ARGUMENTS 4

struct event {
	TAILQ_ENTRY(event) queue;
	__u64 file_id, seen_ms;
	__u32 tgid;
	__u32 env_exec_id; /* of the image that env became; 0: it was not env */
	bool used;
	char path[];
};

TAILQ_HEAD(event_queue, event);

struct opened {
	struct event_queue queue;
	unsigned count, max;
};

struct opened *opened_new(unsigned max)
{
	struct opened *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->max = max;
	TAILQ_INIT(&o->queue);
	return o;
}

static void forget(struct opened *o, struct event *e)
{
	TAILQ_REMOVE(&o->queue, e, queue);
	o->count--;
	free(e);
}

void opened_free(struct opened *o)
{
	while (o && !TAILQ_EMPTY(&o->queue))
		forget(o, TAILQ_FIRST(&o->queue));
	free(o);
}

void opened_add(struct opened *o, __u32 tgid, __u64 file_id, const char *path, __u64 now_ms)
{
	size_t len = strlen(path) + 1;
	struct event *e = calloc(1, sizeof(*e) + len);

	if (!e)
		return;
	if (o->count >= o->max)
		forget(o, TAILQ_FIRST(&o->queue));
	e->tgid = tgid;
	e->file_id = file_id;
	e->seen_ms = now_ms;
	memcpy(e->path, path, len);
	TAILQ_INSERT_TAIL(&o->queue, e, queue);
	o->count++;
}

/* Can an argument mean that path? All of it must agree that no directory change can explain away. */
static bool means(const char *argument, const char *path)
{
	const char *up;
	size_t len, path_len = strlen(path);

	if (argument[0] == '/')
		return strcmp(argument, path) == 0;
	while ((up = strstr(argument, "../")))
		argument = up + 3;
	while (strncmp(argument, "./", 2) == 0)
		argument += 2;
	len = strlen(argument);
	return len > 0 && path_len > len && path[path_len - len - 1] == '/' &&
	       strcmp(path + path_len - len, argument) == 0;
}

/* The oldest that no record has had yet; one event may stand for several records. */
static struct event *best(struct opened *o, __u32 tgid, const char *argument)
{
	struct event *e, *used = NULL;

	TAILQ_FOREACH(e, &o->queue, queue)
	{
		if (e->tgid != tgid || !means(argument, e->path))
			continue;
		if (!e->used)
			return e;
		used = e;
	}
	return used;
}

/* A link, or a name that is not the file's own: certain only where there is no other. */
static struct event *only(struct opened *o, __u32 tgid)
{
	struct event *e, *found = NULL;

	TAILQ_FOREACH(e, &o->queue, queue)
	{
		if (e->tgid == tgid && found)
			return NULL;
		if (e->tgid == tgid)
			found = e;
	}
	return found;
}

static struct event *behind_env(struct opened *o, const struct wire_exec *exec)
{
	struct event *e;

	TAILQ_FOREACH(e, &o->queue, queue)
	{
		if (e->tgid == exec->image.tgid && e->env_exec_id && e->env_exec_id == exec->image.exec_id)
			return e;
	}
	return NULL;
}

static struct event *executed(struct opened *o, const struct wire_exec *exec)
{
	struct event *e = NULL;
	const char *argument;
	unsigned i;

	for (i = 1; i <= ARGUMENTS && !e && (argument = script_argument(exec, i)); i++)
		e = best(o, exec->image.tgid, argument);
	return e ? e : only(o, exec->image.tgid);
}

/* The kernel itself writes the first argument of an interpreter. */
static bool is_env(const struct wire_exec *exec)
{
	const char *first = script_argument(exec, 0), *slash = first ? strrchr(first, '/') : NULL;

	return first && strcmp(slash ? slash + 1 : first, "env") == 0;
}

int opened_find(struct opened *o, const struct wire_exec *exec, struct opened_file *file)
{
	struct event *e = exec->flags & WIRE_EXEC_SCRIPT ? executed(o, exec) : behind_env(o, exec);

	if (!e)
		return 0;
	e->used = true;
	if (is_env(exec))
		e->env_exec_id = exec->image.exec_id + 1;
	*file = (struct opened_file){e->file_id, e->path};
	return 1;
}

void opened_exit(struct opened *o, __u32 tgid)
{
	struct event *e, *next;

	for (e = TAILQ_FIRST(&o->queue); e; e = next) {
		next = TAILQ_NEXT(e, queue);
		if (e->tgid == tgid)
			forget(o, e);
	}
}

void opened_expire(struct opened *o, __u64 now_ms)
{
	struct event *e;

	while ((e = TAILQ_FIRST(&o->queue)) && now_ms - e->seen_ms > OPENED_KEEP_MS)
		forget(o, e);
}

unsigned opened_count(const struct opened *o)
{
	return o->count;
}
