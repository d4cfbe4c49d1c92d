/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * server_mariadb.h - server.h for MariaDB, as Debian packages it.
 */
#ifndef FEMTOSNITCH_TESTS_SERVER_MARIADB_H
#define FEMTOSNITCH_TESTS_SERVER_MARIADB_H

#include "tests/unit/store/server.h"

static inline bool server_mariadb_find(struct server *s)
{
	char program[PATH_MAX];

	(void)s;
	feed_program(program, "femtosnitch-store");
	strcpy(strrchr(program, '/'), "/femtosnitch-mariadb");
	return access(program, X_OK) == 0 && server_run("command -v mariadbd >/dev/null && command -v "
							"mariadb-install-db >/dev/null && { [ $(id -u) != 0 ]"
							" || id mysql >/dev/null 2>&1; }") == 0;
}

static inline void server_mariadb_start(struct server *s)
{
	char data[PATH_MAX], socket[PATH_MAX], pid[PATH_MAX], cert[PATH_MAX], key[PATH_MAX], net[64];
	int i, log;

	snprintf(data, sizeof(data), "--datadir=%s/data", s->dir);
	snprintf(socket, sizeof(socket), "--socket=%s/s", s->dir);
	snprintf(pid, sizeof(pid), "--pid-file=%s/pid", s->dir);
	snprintf(net, sizeof(net), s->port ? "--port=%u" : "--skip-networking", s->port);
	snprintf(cert, sizeof(cert), "--ssl-cert=%s/cert.pem", s->dir);
	snprintf(key, sizeof(key), "--ssl-key=%s/key.pem", s->dir);
	s->pid = fork();
	if (s->pid == 0) {
		log = open("/dev/null", O_RDWR);
		dup2(log, 1);
		dup2(log, 2);
		execlp("mariadbd", "mariadbd", "--no-defaults", data, socket, pid, net,
		       "--bind-address=127.0.0.1", "--innodb-buffer-pool-size=16M",
		       geteuid() == 0 ? "--user=mysql" : "--skip-name-resolve", s->port ? cert : NULL, key,
		       NULL);
		_exit(127);
	}
	for (i = 0; i < 600 && server_run("mariadb-admin --no-defaults -S %s/s -u root ping >/dev/null 2>&1",
					  s->dir) != 0;
	     i++)
		usleep(100000);
}

static inline void server_mariadb_stop(struct server *s, int how)
{
	kill(s->pid, how);
	waitpid(s->pid, NULL, 0);
}

static inline void server_mariadb_kill(struct server *s)
{
	server_mariadb_stop(s, SIGKILL);
}

static inline void server_mariadb_make(struct server *s)
{
	server_run("chmod 755 %s; [ $(id -u) != 0 ] || chown mysql %s", s->dir, s->dir);
	if (server_run("mariadb-install-db --no-defaults --datadir=%s/data"
		       " --auth-root-authentication-method=normal --skip-test-db %s >/dev/null 2>&1",
		       s->dir, geteuid() == 0 ? "--user=mysql" : "") != 0)
		feed_die("mariadb-install-db");
	server_mariadb_start(s);
	server_run("echo 'CREATE DATABASE audit' | mariadb --no-defaults -S %s/s -u root", s->dir);
}

static inline void server_mariadb_client(const struct server *s, const char *user, char *command, size_t size)
{
	snprintf(command, size,
		 "mariadb --no-defaults --default-character-set=utf8mb4 -S %s/s -u %s -NBr audit", s->dir,
		 user);
}

static inline pid_t server_mariadb_serves(const struct server *s)
{
	return s->pid;
}

static const struct server_kind server_mariadb = {
	.sink = "femtosnitch-mariadb",
	.schema = "mysql-schema",
	.admin = "root",
	.quote = '`',
	.find = server_mariadb_find,
	.make = server_mariadb_make,
	.start = server_mariadb_start,
	.kill = server_mariadb_kill,
	.client = server_mariadb_client,
	.serves = server_mariadb_serves,
	.roles = "CREATE USER snitch; CREATE USER auditor; GRANT femtosnitch_writer TO snitch; GRANT"
		 " femtosnitch_reader TO auditor; SET DEFAULT ROLE femtosnitch_writer FOR snitch; SET DEFAULT"
		 " ROLE femtosnitch_reader FOR auditor",
	.place = "\"client\": \"pymysql\", \"unix_socket\": \"%s/s\", \"user\": \"snitch\", \"database\":"
		 " \"audit\"",
	.size = "SELECT data_length + index_length FROM information_schema.tables WHERE table_name = "
		"'connection_log'",
	.remote = "{\"client\": \"mariadb\", \"unix_socket\": \"%s/s\", \"user\": \"auditor\", \"database\":"
		  " \"audit\"}",
};

#endif
