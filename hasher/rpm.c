// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rpm.c - see rpm.h. The program reads all questions before it answers, so that neither of us waits for the
 * other's pipe, and ends by itself within a minute.
 */
#include "hasher/rpm.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/log.h"
#include "hasher/held.h"
#include "hasher/wanted.h"

#define PROGRAM "femtosnitch-rpmdb"

static const char manager[] = "rpm";
static const char *const places[] = {"usr/lib/sysimage/rpm", "var/lib/rpm"};

#define PLACES (sizeof(places) / sizeof(places[0]))

/* The database that is there. */
static bool find_database(const char *root, char path[PATH_MAX])
{
	static const char *const names[] = {"rpmdb.sqlite", "Packages.db"};
	size_t i;

	for (i = 0; i < 2 * PLACES; i++)
		if (snprintf(path, PATH_MAX, "%s/%s/%s", root, places[i / 2], names[i % 2]) < PATH_MAX &&
		    access(path, R_OK) == 0)
			return true;
	return false;
}

/* Beside us. */
static bool program(char path[PATH_MAX])
{
	char self[PATH_MAX] = "";

	return readlink("/proc/self/exe", self, sizeof(self) - 1) > 0 &&
	       snprintf(path, PATH_MAX, "%s/" PROGRAM, dirname(self)) < PATH_MAX;
}

/* ---- the program */

struct child {
	pid_t pid;
	FILE *to, *from;
};

/* 0 or -errno. in, out: its ends of the pipes. */
static int spawn(struct child *c, const char *database, int in, int out)
{
	char path[PATH_MAX];
	char *argv[] = {PROGRAM, (char *)database, NULL}, *envp[] = {NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int rc;

	if (!program(path))
		return -ENOENT;
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	rc = -posix_spawn(&c->pid, path, &actions, &attr, argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	if (rc) {
		errno = -rc;
		log_warn("%s", path);
	}
	return rc;
}

static bool start(struct child *c, const char *database)
{
	int to[2] = {-1, -1}, from[2] = {-1, -1}, rc = -1;

	*c = (struct child){.pid = -1};
	if (pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0)
		rc = spawn(c, database, to[0], from[1]);
	close(to[0]);
	close(from[1]);
	c->to = rc ? NULL : fdopen(to[1], "w");
	c->from = rc ? NULL : fdopen(from[0], "r");
	if (!c->to)
		close(to[1]);
	if (!c->from)
		close(from[0]);
	return c->to && c->from;
}

/* 0, or as it ended. */
static int end(struct child *c)
{
	int status = 0;

	if (c->to)
		fclose(c->to);
	if (c->from)
		fclose(c->from);
	while (c->pid > 0 && waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* ---- what it says */

enum {
	TEXT_PATH,
	TEXT_NAME,
	TEXT_VERSION,
	TEXT_DIGEST,
	TEXT__MAX
};

static void take(const struct wanted *wanted, char *const text[TEXT__MAX])
{
	const size_t len = strlen(text[TEXT_DIGEST]);
	struct package_file *f;

	for (f = wanted_find(wanted, text[TEXT_PATH], NULL); f; f = wanted_find(wanted, text[TEXT_PATH], f)) {
		wanted_own(f, manager, text[TEXT_NAME], text[TEXT_VERSION]);
		if (len == 32 || len == 40 || len == 64)
			wanted_digest(f,
				      len == 32	  ? PACKAGE_DIGEST_MD5
				      : len == 40 ? PACKAGE_DIGEST_SHA1
						  : PACKAGE_DIGEST_SHA256,
				      text[TEXT_DIGEST]);
	}
}

static void take_all(FILE *from, const struct wanted *wanted)
{
	char *text[TEXT__MAX] = {NULL};
	size_t size[TEXT__MAX] = {0};
	int i;

	do {
		for (i = 0; i < TEXT__MAX && getdelim(&text[i], &size[i], '\0', from) > 0; i++)
			;
		if (i == TEXT__MAX)
			take(wanted, text);
	} while (i == TEXT__MAX);
	for (i = 0; i < TEXT__MAX; i++)
		free(text[i]);
}

void rpm_find(const char *root, struct package_file *files)
{
	static bool said; /* there is one look at a time */
	struct wanted *wanted = NULL;
	struct package_file *f;
	char database[PATH_MAX];
	struct child c;

	if (!find_database(root, database) || (wanted = wanted_new(files)) == NULL)
		return;
	if (start(&c, database)) {
		for (f = files; f; f = f->next)
			if (!f->manager)
				fwrite(f->path, 1, strlen(f->path) + 1, c.to);
		fclose(c.to);
		c.to = NULL;
		take_all(c.from, wanted);
	}
	if (end(&c) && !said) {
		said = true;
		log_warnx("%s: cannot be read: it is not known what rpm installed", database);
	}
	wanted_free(wanted);
}

bool rpm_works(const char *root)
{
	char path[PATH_MAX];
	bool works = false;
	size_t i;

	for (i = 0; !works && i < PLACES; i++)
		works = snprintf(path, sizeof(path), "%s/%s/.rpm.lock", root, places[i]) <
				(int)sizeof(path) &&
			held_exclusively(path);
	return works;
}
