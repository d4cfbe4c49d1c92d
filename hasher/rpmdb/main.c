// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - femtosnitch-rpmdb FILE: asks rpm's database which packages brought some files. In: paths, each
 * ended by a NUL. Out, for each that a package brought: path, package, version and digest, each ended by a
 * NUL. Exits 1 if the database cannot be read.
 *
 * A process of its own, which lives for one look: the database is SQLite, or headers of many megabytes, and
 * the hasher holds neither the library nor the memory for that. It has no privileges, and limits on its time
 * and memory: the database may be damaged.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config/log.h"
#include "config/sandbox.h"
#include "hasher/rpmdb/match.h"
#include "hasher/rpmdb/ndb.h"
#include "hasher/rpmdb/sqlite.h"

#define INPUT_MAX (MATCH_MAX * 4096u)
#define CPU_S 20
#define LIFE_S 60
#define MEMORY_BYTES (256u << 20)

static void limit(void)
{
	const struct rlimit cpu = {CPU_S, CPU_S};
#ifndef __SANITIZE_ADDRESS__ /* which reserves terabytes */
	const struct rlimit memory = {MEMORY_BYTES, MEMORY_BYTES};

	if (setrlimit(RLIMIT_AS, &memory))
		fatal("limits");
#endif

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGALRM, SIG_DFL);
	alarm(LIFE_S);
	if (setrlimit(RLIMIT_CPU, &cpu))
		fatal("limits");
}

static void read_paths(struct matches *m)
{
	static char text[INPUT_MAX + 1];
	size_t len = fread(text, 1, INPUT_MAX, stdin);
	const char *at;

	text[len] = '\0';
	for (at = text; at < text + len; at += strlen(at) + 1)
		match_add(m, at);
	match_sort(m);
}

static void say(const char *text)
{
	fwrite(text, 1, strlen(text) + 1, stdout);
}

static int look(const char *file, struct matches *m)
{
	const char *base = strrchr(file, '/');
	int fd, rc;

	if (strcmp(base ? base + 1 : file, "Packages.db") != 0)
		return sqlite_match(file, m);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	rc = ndb_match(fd, m);
	close(fd);
	return rc;
}

int main(int argc, char **argv)
{
	static struct matches m;
	size_t i;

	log_open("femtosnitch-rpmdb", 0);
	if (argc != 2)
		fatalx("usage: femtosnitch-rpmdb FILE");
	limit();
	sandbox_drop(getuid(), getgid(), 0);
	read_paths(&m);
	if (look(argv[1], &m))
		return 1; /* who asks says it, once */
	for (i = 0; i < m.n; i++) {
		if (!m.match[i].found)
			continue;
		say(m.match[i].path);
		say(m.match[i].name);
		say(m.match[i].version);
		say(m.match[i].digest);
	}
	return fflush(stdout) ? 1 : 0;
}
