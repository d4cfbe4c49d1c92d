// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * places.c - see places.h. One chained hash table by id, and one queue by last use.
 */
#include "hasher/places.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "config/log.h"
#include "hasher/place.h"
#include "hasher/proc.h"

#define BUCKETS 1024
#define CGROUPS_TEXT 16384 /* of /proc/PID/cgroup: a dozen lines at most */
#define CUT "..."

/* What a path says, in the order in which one is better than another. A unit is of version 2 wherever that
 * has any cgroup but its root; a container is where its runtime put it. */
enum says {
	SAYS_NOTHING,
	SAYS_UNIT, /* of version 1 */
	SAYS_PATH, /* of version 2 */
	SAYS_CONTAINER
};

struct cgroup {
	struct cgroup *next;
	TAILQ_ENTRY(cgroup) queue;
	__u64 id;
	__u64 cgroup_id; /* differs from id in a place that was found in /proc */
	enum says says;
	bool told;
	char path[];
};

TAILQ_HEAD(cgroup_queue, cgroup);

struct places {
	struct stage *stage;
	struct cgroup *bucket[BUCKETS];
	struct cgroup_queue queue; /* longest unused first */
	size_t count, max;
	bool older; /* this machine has cgroups of version 1 too */
};

static struct cgroup **bucket(struct places *ps, __u64 id)
{
	return &ps->bucket[(id * 0x9e3779b97f4a7c15u >> 32) % BUCKETS];
}

/* Found is used. */
static struct cgroup *find(struct places *ps, __u64 id)
{
	struct cgroup *c = *bucket(ps, id);

	while (c && c->id != id)
		c = c->next;
	if (c && TAILQ_NEXT(c, queue)) {
		TAILQ_REMOVE(&ps->queue, c, queue);
		TAILQ_INSERT_TAIL(&ps->queue, c, queue);
	}
	return c;
}

static void forget(struct places *ps, struct cgroup *c)
{
	struct cgroup **at = bucket(ps, c->id);

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	TAILQ_REMOVE(&ps->queue, c, queue);
	ps->count--;
	free(c);
}

static enum says says(const char *path, bool version_2)
{
	struct place place;

	place_read(&place, path);
	if (place.runtime)
		return SAYS_CONTAINER;
	if (version_2)
		return strcmp(path, "/") != 0 ? SAYS_PATH : SAYS_NOTHING;
	return place.unit[0] ? SAYS_UNIT : SAYS_NOTHING;
}

static struct cgroup *add(struct places *ps, __u64 id, __u64 cgroup_id, const char *path, bool cut)
{
	size_t len = strnlen(path, WIRE_CGROUP_MAX - 1);
	struct cgroup *c = calloc(1, sizeof(*c) + WIRE_CGROUP_MAX), *fits;

	if (!c)
		return NULL;
	memcpy(c->path, path, len);
	if (cut || path[len]) {
		len = len < WIRE_CGROUP_MAX - sizeof(CUT) ? len : WIRE_CGROUP_MAX - sizeof(CUT);
		memcpy(c->path + len, CUT, sizeof(CUT));
		len += sizeof(CUT) - 1;
	}
	fits = realloc(c, sizeof(*c) + len + 1);
	c = fits ? fits : c;
	if (ps->count >= ps->max)
		forget(ps, TAILQ_FIRST(&ps->queue));
	c->id = id;
	c->cgroup_id = cgroup_id;
	c->says = says(path, true);
	c->next = *bucket(ps, id);
	*bucket(ps, id) = c;
	TAILQ_INSERT_TAIL(&ps->queue, c, queue);
	ps->count++;
	return c;
}

/* Said twice, at the start: by the kernel and by who looked around. */
void places_learn(struct places *ps, const struct wire_cgroup *wire)
{
	if (!find(ps, wire->id))
		(void)add(ps, wire->id, wire->id, (const char *)(wire + 1), wire->flags & WIRE_CGROUP_CUT);
}

/* ---- asking the process */

const char *places_choose(char *text)
{
	const char *best = NULL, *path;
	enum says most = SAYS_NOTHING, now;
	bool version_2, best_is_2 = false;
	char *line, *end, *rest = text;

	while ((line = strsep(&rest, "\n"))) {
		if (!rest || !(path = strchr(line, ':')) || !(path = strchr(path + 1, ':')))
			break; /* the last line is cut, or the end */
		path++;
		end = line + strlen(line) - strlen(" (deleted)");
		if (end > path && strcmp(end, " (deleted)") == 0)
			*end = '\0';
		version_2 = strncmp(line, "0::", 3) == 0;
		now = says(path, version_2);
		if (!best || now > most || (now == most && version_2 && !best_is_2)) {
			most = now;
			best = path;
			best_is_2 = version_2;
		}
	}
	return best;
}

/* A place has a number by its text: the same one for all who are found there. */
static struct cgroup *found(struct places *ps, __u64 cgroup_id, const char *path)
{
	__u64 id = cgroup_id * 0x9e3779b97f4a7c15u;
	struct cgroup *c;
	const char *p;
	int i;

	for (p = path; *p; p++)
		id = (id ^ (unsigned char)*p) * 0x100000001b3u;
	for (i = 0; i < 8; i++, id++) {
		id |= WIRE_PLACE_FOUND;
		c = find(ps, id);
		if (!c)
			return add(ps, id, cgroup_id, path, false);
		if (c->cgroup_id == cgroup_id && strncmp(c->path, path, WIRE_CGROUP_MAX - sizeof(CUT)) == 0)
			return c;
	}
	return NULL;
}

static struct cgroup *ask(struct places *ps, const struct wire_exec *exec, struct cgroup *known)
{
	static char text[CGROUPS_TEXT];
	const char *path;
	struct cgroup *c;

	if (!proc_cgroups(&exec->image, text, sizeof(text)) || !(path = places_choose(text)))
		return known;
	if (known && says(path, false) <= known->says)
		return known;
	c = found(ps, exec->cgroup_id, path);
	return c ? c : known;
}

/* ---- telling */

static void add_text(char *to, size_t *at, __u16 *len, const char *text)
{
	*len = text && *text ? (__u16)(strlen(text) + 1) : 0;
	memcpy(to + *at, text ? text : "", *len);
	*at += *len;
}

static __u64 tell(struct places *ps, struct cgroup *c)
{
	struct wire_place wire = {.id = c->id, .cgroup_id = c->cgroup_id};
	char text[PLACES_FRAME_MAX];
	struct place place;
	size_t len = 0;

	if (c->told)
		return c->id;
	place_read(&place, c->path);
	add_text(text, &len, &wire.runtime_len, place.runtime);
	add_text(text, &len, &wire.container_len, place.container);
	add_text(text, &len, &wire.unit_len, place.unit);
	add_text(text, &len, &wire.path_len, c->path);
	c->told = frame_put(ps->stage->out, WIRE_PLACE, &wire, sizeof(wire), text, len) == 0;
	if (!c->told)
		log_warnx("no room for a place");
	return c->told ? c->id : 0;
}

__u64 places_image(struct places *ps, const struct wire_exec *exec)
{
	struct cgroup *c = exec->cgroup_id ? find(ps, exec->cgroup_id) : NULL;

	if (!(exec->flags & WIRE_EXEC_KERNEL) && (!c || (ps->older && c->says != SAYS_CONTAINER)))
		c = ask(ps, exec, c);
	return c ? tell(ps, c) : 0;
}

const char *places_cgroup(struct places *ps, const struct wire_exec *exec)
{
	struct cgroup *c = exec->cgroup_id ? find(ps, exec->cgroup_id) : NULL;

	return c ? c->path : NULL;
}

void places_creator(struct places *ps, __u64 cgroup_id)
{
	struct cgroup *c = cgroup_id ? find(ps, cgroup_id) : NULL;

	if (c)
		(void)tell(ps, c);
}

/* ---- */

/* Have we a line of another hierarchy than version 2? Then runtimes may put their containers there. */
static bool has_older(void)
{
	char text[CGROUPS_TEXT], *line, *rest = text;
	int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	while ((line = strsep(&rest, "\n")))
		if (*line && strncmp(line, "0::", 3) != 0)
			return true;
	return false;
}

struct places *places_new(struct stage *stage, size_t max)
{
	struct places *ps = calloc(1, sizeof(*ps));

	if (!ps)
		return NULL;
	ps->stage = stage;
	ps->max = max;
	TAILQ_INIT(&ps->queue);
	ps->older = has_older();
	return ps;
}

void places_free(struct places *ps)
{
	struct cgroup *c;

	while (ps && (c = TAILQ_FIRST(&ps->queue)))
		forget(ps, c);
	free(ps);
}

size_t places_count(const struct places *ps)
{
	return ps->count;
}
