/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * server_postgres.h - server.h for PostgreSQL, as a user without privileges: the newest that Debian has
 * installed here, or the one whose programs are in the directory PG_BIN of the environment, so that any
 * version can be tried.
 */
#ifndef FEMTOSNITCH_TESTS_SERVER_POSTGRES_H
#define FEMTOSNITCH_TESTS_SERVER_POSTGRES_H

#include "tests/unit/store/server.h"

/* A shell command, as the user the server runs as. Its exit code. */
__attribute__((format(printf, 1, 2))) static inline int server_postgres_run(const char *fmt, ...)
{
	char command[8192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	return server_run("%s sh -c '%s' >/dev/null 2>&1",
			  geteuid() == 0 ? "cd / && runuser -u postgres --" : "", command);
}

static inline bool server_postgres_find(struct server *s)
{
	FILE *f = popen("ls -d ${PG_BIN:-/usr/lib/postgresql/*/bin} 2>/dev/null | sort -V | tail -n 1", "r");

	if (f && fgets(s->bin, sizeof(s->bin), f))
		s->bin[strcspn(s->bin, "\n")] = '\0';
	if (f)
		pclose(f);
	return s->bin[0] && server_run("command -v psql >/dev/null && { [ $(id -u) != 0 ]"
				       " || id postgres >/dev/null 2>&1; }") == 0;
}

static inline void server_postgres_start(struct server *s)
{
	if (server_postgres_run("%s/pg_ctl -D %s/data -w -t 60 -l %s/log -o \"-c listen_addresses= -c "
				"unix_socket_directories=%s -c max_connections=20\" start",
				s->bin, s->dir, s->dir, s->dir) != 0)
		feed_die("the server does not start");
}

static inline void server_postgres_kill(struct server *s)
{
	(void)server_postgres_run("%s/pg_ctl -D %s/data -w -m immediate stop", s->bin, s->dir);
}

static inline void server_postgres_make(struct server *s)
{
	if (geteuid() == 0 && server_run("chown postgres %s && chmod 755 %s", s->dir, s->dir) != 0)
		feed_die("chown");
	if (server_postgres_run("%s/initdb -D %s/data -A trust -U postgres --no-sync -E UTF8 --locale=C",
				s->bin, s->dir) != 0)
		feed_die("initdb");
	server_postgres_start(s);
}

static inline void server_postgres_client(const struct server *s, const char *user, char *command,
					  size_t size)
{
	snprintf(command, size, "psql -XAtq -P null=NULL -v ON_ERROR_STOP=1 -h %s -U %s postgres", s->dir,
		 user);
}

static inline pid_t server_postgres_serves(const struct server *s)
{
	return atoi(server_ask(s, "SELECT pid FROM pg_stat_activity WHERE usename = 'snitch' LIMIT 1"));
}

static const struct server_kind server_postgres = {
	.sink = "femtosnitch-postgres",
	.schema = "pg-schema",
	.admin = "postgres",
	.quote = '"',
	.find = server_postgres_find,
	.make = server_postgres_make,
	.start = server_postgres_start,
	.kill = server_postgres_kill,
	.client = server_postgres_client,
	.serves = server_postgres_serves,
	.roles = "CREATE ROLE snitch LOGIN; CREATE ROLE auditor LOGIN; GRANT femtosnitch_writer TO snitch;"
		 "GRANT femtosnitch_reader TO auditor;",
	.place =
		"\"client\": \"psycopg\", \"host\": \"%s\", \"user\": \"snitch\", \"database\": \"postgres\"",
	.size = "SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent ="
		" 'connection_log'::regclass",
	.remote = "host=%s user=auditor dbname=postgres",
};

#endif
