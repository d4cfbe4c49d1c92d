/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * server.h - a PostgreSQL server of a test's own: in a temporary directory, on a Unix socket in it, as a user
 * without privileges, with the tables that `femtosnitch pg-schema` makes. Questions go through psql.
 */
#ifndef FEMTOSNITCH_TESTS_SERVER_H
#define FEMTOSNITCH_TESTS_SERVER_H

#include <stdarg.h>
#include <stdbool.h>

#include "tests/unit/store/feed.h"

struct server {
	char dir[PATH_MAX / 4]; /* also the socket's; the cluster is in dir/data */
	char bin[PATH_MAX / 4];
};

/* A shell command, as the user the server runs as. Its exit code. */
__attribute__((format(printf, 2, 3))) static inline int server_run(const struct server *s, const char *fmt,
								   ...)
{
	char command[8192], whole[8300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	(void)s;
	snprintf(whole, sizeof(whole), "%s sh -c '%s' >/dev/null 2>&1",
		 geteuid() == 0 ? "cd / && runuser -u postgres --" : "", command);
	return WEXITSTATUS(system(whole));
}

/* The newest Debian has, or what is in PATH. False: there is none, or no user for it. */
static inline bool server_find(struct server *s)
{
	FILE *f = popen("ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1", "r");

	s->bin[0] = '\0';
	if (f && fgets(s->bin, sizeof(s->bin), f))
		s->bin[strcspn(s->bin, "\n")] = '\0';
	if (f)
		pclose(f);
	if (!s->bin[0] || system("command -v psql >/dev/null") != 0)
		return false;
	return geteuid() != 0 || system("id postgres >/dev/null 2>&1") == 0;
}

static inline void server_start(const struct server *s)
{
	if (server_run(s,
		       "%s/pg_ctl -D %s/data -w -t 60 -l %s/log -o \"-c listen_addresses= -c "
		       "unix_socket_directories=%s -c max_connections=20\" start",
		       s->bin, s->dir, s->dir, s->dir) != 0)
		feed_die("the server does not start");
}

static inline void server_stop(const struct server *s, const char *how)
{
	(void)server_run(s, "%s/pg_ctl -D %s/data -w -m %s stop", s->bin, s->dir, how);
}

/* What psql says to SQL, as role; rows end in newline, columns in |. Constant until the next call. */
static inline const char *server_ask_as(const struct server *s, const char *role, const char *sql)
{
	static char answer[1 << 16];
	char path[PATH_MAX], command[2 * PATH_MAX + 256];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/sql", s->dir);
	f = fopen(path, "w");
	if (!f || fputs(sql, f) < 0 || fclose(f) != 0)
		feed_die("%s", path);
	snprintf(command, sizeof(command), "psql -XAtq -h %s -U %s -f %s postgres 2>&1", s->dir, role, path);
	f = popen(command, "r");
	n = fread(answer, 1, sizeof(answer) - 1, f);
	pclose(f);
	while (n > 0 && answer[n - 1] == '\n')
		n--;
	answer[n] = '\0';
	return answer;
}

static inline const char *server_ask(const struct server *s, const char *sql)
{
	return server_ask_as(s, "postgres", sql);
}

static inline void server_tables(const struct server *s, const char *arguments)
{
	char program[PATH_MAX], command[2 * PATH_MAX];

	feed_program(program, "femtosnitch-postgres");
	snprintf(command, sizeof(command),
		 "%s pg-schema %s | psql -Xq -v ON_ERROR_STOP=1 -h %s -U postgres postgres >/dev/null",
		 program, arguments, s->dir);
	if (system(command) != 0)
		feed_die("pg-schema");
}

/* A server with the tables and a role `snitch` that may write, `auditor` that may read. */
static inline void server_begin(struct server *s)
{
	char dir[PATH_MAX];

	feed_tmpdir(dir);
	snprintf(s->dir, sizeof(s->dir), "%.1000s", dir);
	if (geteuid() == 0) {
		char command[PATH_MAX];

		snprintf(command, sizeof(command), "chown postgres %s && chmod 755 %s", s->dir, s->dir);
		if (system(command) != 0)
			feed_die("chown");
	}
	if (server_run(s, "%s/initdb -D %s/data -A trust -U postgres --no-sync -E UTF8 --locale=C", s->bin,
		       s->dir) != 0)
		feed_die("initdb");
	server_start(s);
	server_tables(s, "");
	server_ask(s,
		   "CREATE ROLE snitch LOGIN; CREATE ROLE auditor LOGIN; GRANT femtosnitch_writer TO snitch;"
		   "GRANT femtosnitch_reader TO auditor;");
}

static inline void server_end(const struct server *s)
{
	server_stop(s, "immediate");
	feed_rmdir(s->dir);
}

#endif
