// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * apps.c - see apps.h. A few answers by mount namespace and filesystem: neither's number is taken again
 * within KEEP_MS by chance.
 */
#include "hasher/apps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/wire_check.h"
#include "hasher/app.h"
#include "hasher/mounts.h"
#include "hasher/proc.h"

#define ANSWERS 16
#define KEEP_MS 2000

struct answer {
	__u64 asked_ms; /* 0: none */
	__u32 mntns, dev;
	char app[WIRE_APP_MAX];
};

struct apps {
	struct answer answer[ANSWERS];
	unsigned next;
	char app[WIRE_APP_MAX];
};

struct apps *apps_new(void)
{
	return calloc(1, sizeof(struct apps));
}

void apps_free(struct apps *a)
{
	free(a);
}

struct search {
	__u32 dev;
	char *app;
};

static void look(void *arg, const struct mounts_line *m)
{
	struct search *s = arg;

	if (!s->app[0] && app_is_its_mount(m, s->dev))
		app_of_mount(s->app, m);
}

static struct answer *known(struct apps *a, const struct wire_exec *exec, __u64 now_ms)
{
	unsigned i;

	for (i = 0; i < ANSWERS; i++) {
		struct answer *at = &a->answer[i];

		if (at->asked_ms && now_ms - at->asked_ms < KEEP_MS && at->mntns == exec->mntns &&
		    at->dev == exec->file.dev)
			return at;
	}
	return NULL;
}

/* The mounts of its process. NULL: it has ended, and nobody knows. */
static const char *ask(struct apps *a, const struct wire_exec *exec, __u64 now_ms)
{
	struct answer *at = known(a, exec, now_ms);
	struct search search = {.dev = exec->file.dev};
	char file[40];

	if (at)
		return at->app;
	at = &a->answer[a->next];
	at->asked_ms = 0;
	at->app[0] = '\0';
	search.app = at->app;
	snprintf(file, sizeof(file), "/proc/%u/mountinfo", exec->image.tgid);
	if (mounts_read(file, look, &search) || !proc_same(&exec->image))
		return NULL;
	at->asked_ms = now_ms;
	at->mntns = exec->mntns;
	at->dev = exec->file.dev;
	a->next = (a->next + 1) % ANSWERS;
	return at->app;
}

/* A cgroup's name tells a Snap whatever its programs come from. For the others what the mounts say counts,
 * and what cgroup and path claim only where nobody can be asked any more. */
const char *apps_image(struct apps *a, const struct wire_exec *exec, const char *cgroup, __u64 now_ms)
{
	const char *exe = wire_exec_path(exec), *mounted = NULL;

	app_of_cgroup(a->app, cgroup);
	if (strncmp(a->app, "snap:", 5) == 0)
		return a->app;
	if (app_asks_mounts(cgroup, exe))
		mounted = ask(a, exec, now_ms);
	if (mounted)
		return mounted[0] ? mounted : NULL;
	if (!a->app[0])
		app_of_path(a->app, exe);
	return a->app[0] ? a->app : NULL;
}
