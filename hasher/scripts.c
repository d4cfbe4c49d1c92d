// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * scripts.c - see scripts.h. Owns the list of what was promised.
 */
#include "hasher/scripts.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hasher/cache.h"
#include "hasher/lookup.h"
#include "hasher/opened.h"
#include "hasher/script.h"

#define FIRST_ID (1ull << 63) /* no version of a file has such a number */
#define NS 1000000000ull

/* A digest that was promised. */
struct promise {
	LIST_ENTRY(promise) list;
	__u64 id;
	__u64 file_id; /* of the version that is hashed now; 0: it is being looked for */
	unsigned error;
	char *path; /* once it is found, if it says more than the command line */
};

LIST_HEAD(promise_list, promise);

struct scripts {
	struct stage *stage;
	struct versions *versions;
	struct opened *opened;
	struct crew *crew; /* NULL until the first lookup */
	struct promise_list promises;
	unsigned count;
	__u64 next_id;
};

struct scripts *scripts_new(struct stage *stage, struct versions *versions)
{
	struct scripts *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->stage = stage;
	s->versions = versions;
	s->next_id = FIRST_ID;
	LIST_INIT(&s->promises);
	s->opened = opened_new(OPENED_MAX);
	if (s->opened)
		return s;
	free(s);
	return NULL;
}

static void forget(struct scripts *s, struct promise *p)
{
	LIST_REMOVE(p, list);
	s->count--;
	free(p->path);
	free(p);
}

void scripts_free(struct scripts *s)
{
	if (!s)
		return;
	while (!LIST_EMPTY(&s->promises))
		forget(s, LIST_FIRST(&s->promises));
	crew_stop(s->crew);
	opened_free(s->opened);
	free(s);
}

/* ---- what the kernel opened */

const char *scripts_path(int fd)
{
	static const char deleted[] = " (deleted)";
	static char path[WIRE_PATH_MAX];
	char by_fd[32], head[2];
	struct stat st;
	ssize_t n;

	if (pread(fd, head, sizeof(head), 0) != sizeof(head) || head[0] != '#' || head[1] != '!')
		return NULL;
	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
	n = readlink(by_fd, path, sizeof(path) - 1);
	if (n <= 0)
		return NULL;
	path[n] = '\0';
	if ((size_t)n >= sizeof(deleted) && strcmp(path + n - sizeof(deleted) + 1, deleted) == 0 &&
	    !fstat(fd, &st) && st.st_nlink == 0)
		path[n - (ssize_t)sizeof(deleted) + 1] = '\0';
	return path;
}

void scripts_opened(struct scripts *s, __u32 tgid, __u64 file_id, const char *path, __u64 now_ms)
{
	opened_add(s->opened, tgid, file_id, path, now_ms);
}

static void say_version(struct wire_image *image, struct cache_file *f)
{
	image->script_id = f->file_id;
	image->script_error = f->hash_error;
	f->announced = true;
	if (f->hash_error == WIRE_HASH_PENDING)
		f->promised = true;
	if (f->hash_error == WIRE_HASH_OK)
		memcpy(image->script_sha256, f->sha256, sizeof(image->script_sha256));
}

/* ---- what the command line names */

/* When was it executed? Of a process that ran before us, or whose exec record was lost, only its beginning is
 * known. */
static wire_ns executed_at(const struct wire_exec *exec)
{
	struct timespec boot;
	__u64 now_boot;

	if (exec->source == WIRE_EXEC_EXECVE)
		return exec->time_ns;
	clock_gettime(CLOCK_BOOTTIME, &boot);
	now_boot = (__u64)boot.tv_sec * NS + (__u64)boot.tv_nsec;
	return stage_now() - (now_boot > exec->image.start_ns ? now_boot - exec->image.start_ns : 0);
}

static int look_for(struct scripts *s, const struct wire_exec *exec, const char *argument)
{
	struct lookup *job;

	if (!s->crew)
		s->crew = lookup_crew(SCRIPTS_MAX);
	job = s->crew ? lookup_new(exec, argument) : NULL;
	if (!job)
		return -1;
	job->id = s->next_id;
	job->before_ns = executed_at(exec);
	return lookup_submit(s->crew, job);
}

/* Promise its digest. False: too many wait. */
static bool promise(struct scripts *s, const struct wire_exec *exec, const char *argument)
{
	struct promise *p = s->count < SCRIPTS_MAX ? calloc(1, sizeof(*p)) : NULL;

	if (!p || look_for(s, exec, argument)) {
		free(p);
		return false;
	}
	p->id = s->next_id++;
	p->error = WIRE_HASH_PENDING;
	LIST_INSERT_HEAD(&s->promises, p, list);
	s->count++;
	return true;
}

/* The kernel executed a script that no event told of: behind the interpreter and its one argument, if any. */
static const char *likely(const struct wire_exec *exec)
{
	const char *first = script_argument(exec, 0), *argument = script_argument(exec, 1);
	size_t len = first ? strlen(first) : 0;
	bool env = len > 4 && strcmp(first + len - 4, "/env") == 0;

	return env || (argument && strchr("-+", argument[0])) ? script_argument(exec, 2) : argument;
}

const char *scripts_image(struct scripts *s, const struct wire_exec *exec, struct wire_image *image)
{
	struct opened_file opened;
	struct cache_file *f;
	struct script found;

	image->script_error = WIRE_HASH_NO_FILE;
	if (exec->source == WIRE_EXEC_EXECVE && opened_find(s->opened, exec, &opened)) {
		image->script_source = WIRE_SCRIPT_KERNEL;
		image->script_error = WIRE_HASH_BUSY;
		f = cache_by_id(s->versions->cache, opened.file_id);
		if (f)
			say_version(image, f);
		return opened.path;
	}
	script_find(&found, exec);
	if (!found.path && exec->flags & WIRE_EXEC_SCRIPT && (found.path = likely(exec)))
		found.source = WIRE_SCRIPT_ARGV;
	image->script_source = found.source;
	if (!found.path)
		return NULL;
	image->script_id = s->next_id;
	image->script_error = promise(s, exec, found.path) ? WIRE_HASH_PENDING : WIRE_HASH_BUSY;
	return found.path;
}

/* ---- keeping what was promised */

/* False: no room for the frame. */
static bool tell(struct scripts *s, struct promise *p, unsigned error, const __u8 *sha256)
{
	struct wire_digest d = {.file_id = p->id, .hash_error = error};

	if (p->path)
		d.path_len = (__u32)strlen(p->path) + 1;
	if (error == WIRE_HASH_OK)
		memcpy(d.sha256, sha256, sizeof(d.sha256));
	if (frame_put(s->stage->out, WIRE_DIGEST, &d, sizeof(d), p->path, d.path_len))
		return false;
	forget(s, p);
	return true;
}

/* Tell it if it is known by now. */
static void settle(struct scripts *s, struct promise *p)
{
	const struct cache_file *f = p->file_id ? cache_by_id(s->versions->cache, p->file_id) : NULL;

	if (p->error != WIRE_HASH_PENDING)
		(void)tell(s, p, p->error, NULL);
	else if (p->file_id && !f)
		(void)tell(s, p, WIRE_HASH_BUSY, NULL); /* given up meanwhile for others */
	else if (f && f->hash_error != WIRE_HASH_PENDING)
		(void)tell(s, p, f->hash_error, f->sha256);
}

void scripts_hashed(struct scripts *s)
{
	struct promise *p, *next;

	for (p = LIST_FIRST(&s->promises); p; p = next) {
		next = LIST_NEXT(p, list);
		settle(s, p);
	}
}

static struct promise *find(struct scripts *s, __u64 id)
{
	struct promise *p;

	LIST_FOREACH(p, &s->promises, list)
	{
		if (p->id == id)
			return p;
	}
	return NULL;
}

bool scripts_result(struct scripts *s)
{
	struct lookup *job = s->crew ? lookup_result(s->crew) : NULL;
	struct promise *p = job ? find(s, job->id) : NULL;

	if (p) {
		p->error = job->error;
		p->path = job->path[0] ? strdup(job->path) : NULL;
		if (!job->error) {
			p->file_id = versions_executed(s->versions, job->fd, &job->st, job->distance);
			p->error = p->file_id ? WIRE_HASH_PENDING : WIRE_HASH_BUSY;
			job->fd = -1;
		}
		settle(s, p);
	}
	lookup_free(job);
	return job != NULL;
}

bool scripts_abandon(struct scripts *s)
{
	struct promise *p = LIST_FIRST(&s->promises);

	return p && tell(s, p, WIRE_HASH_ABANDONED, NULL);
}

/* ---- */

int scripts_fd(const struct scripts *s)
{
	return s->crew ? crew_fd(s->crew) : -1;
}

unsigned scripts_owed(const struct scripts *s)
{
	return s->count;
}

void scripts_exit(struct scripts *s, __u32 tgid)
{
	opened_exit(s->opened, tgid);
}

void scripts_check(struct scripts *s)
{
	if (s->crew)
		crew_check(s->crew);
}

void scripts_expire(struct scripts *s, __u64 now_ms)
{
	opened_expire(s->opened, now_ms);
}

bool scripts_busy(const struct scripts *s)
{
	return s->count || opened_count(s->opened);
}
