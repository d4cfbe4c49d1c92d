/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * server.h - a database server of a test's own, in a temporary directory, on a Unix socket in it, with the
 * tables that femtosnitch prints for it; and a log that is copied there. Of the kinds that server_postgres.h
 * and server_mariadb.h have: everything else is the same for both.
 */
#ifndef FEMTOSNITCH_TESTS_SERVER_H
#define FEMTOSNITCH_TESTS_SERVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/columns.h"
#include "tests/unit/store/feed.h"

struct server;

struct server_kind {
	const char *sink, *schema; /* the program, its command that prints the tables */
	const char *admin;
	char quote; /* around a name */

	bool (*find)(struct server *);
	void (*make)(struct server *); /* it runs then, without tables */
	void (*start)(struct server *);
	void (*kill)(struct server *); /* as if the machine had died */
	void (*client)(const struct server *, const char *user, char *command, size_t size); /* reads SQL */
	pid_t (*serves)(const struct server *); /* the process that serves the sink */
	const char *roles;			/* SQL: user snitch may write, auditor read */
	const char *place;			/* where it is, in "DB sql server"; %s: dir */
	const char *size;			/* SQL: bytes of the flows, with their indexes */
	const char *remote;			/* the same for `verify --remote`, as auditor */
};

struct server {
	const struct server_kind *kind;
	char dir[PATH_MAX / 4]; /* also the socket's; its data is in dir/data */
	char bin[PATH_MAX / 4]; /* "" = in PATH */
	pid_t pid;
	unsigned port; /* on loopback, 0 = none */
	bool there;
	struct feed store, sink; /* of the log that is copied */
	char state[PATH_MAX], json[2 * PATH_MAX];
	char said[4096]; /* by verify */
};

#define SERVER_TABLES(X) X("") X("_image") X("_late") X("_loss") X("_window")

/* ---- the server */

/* A shell command: its exit code. */
__attribute__((format(printf, 1, 2))) static inline int server_run(const char *fmt, ...)
{
	char command[8192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	return WEXITSTATUS(system(command));
}

/* What a client of it says to SQL, as user; rows end in newline, columns in |, NULL is NULL. Constant until
 * the next call. */
static inline const char *server_ask_as(const struct server *s, const char *user, const char *sql)
{
	static char answer[1 << 16];
	char path[PATH_MAX], client[PATH_MAX], command[3 * PATH_MAX], *tab;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/sql", s->dir);
	f = fopen(path, "w");
	if (!f || fputs(sql, f) < 0 || fclose(f) != 0)
		feed_die("%s", path);
	s->kind->client(s, user, client, sizeof(client));
	snprintf(command, sizeof(command), "%s <%s 2>&1", client, path);
	f = popen(command, "r");
	n = fread(answer, 1, sizeof(answer) - 1, f);
	pclose(f);
	while (n > 0 && answer[n - 1] == '\n')
		n--;
	answer[n] = '\0';
	for (tab = answer; (tab = strchr(tab, '\t'));)
		*tab = '|';
	return answer;
}

static inline const char *server_ask(const struct server *s, const char *sql)
{
	return server_ask_as(s, s->kind->admin, sql);
}

static inline void server_tables(const struct server *s, const char *arguments)
{
	char program[PATH_MAX], client[PATH_MAX];

	feed_program(program, s->kind->sink);
	s->kind->client(s, s->kind->admin, client, sizeof(client));
	if (server_run("%s %s %s | %s >/dev/null", program, s->kind->schema, arguments, client) != 0)
		feed_die("%s", s->kind->schema);
}

/* False: there is none here. */
static inline bool server_begin(struct server *s, const struct server_kind *kind)
{
	char dir[PATH_MAX];

	memset(s, 0, sizeof(*s));
	s->kind = kind;
	if (!(s->there = kind->find(s)))
		return false;
	feed_tmpdir(dir);
	snprintf(s->dir, sizeof(s->dir), "%.1000s", dir);
	kind->make(s);
	server_tables(s, "");
	server_tables(s, ""); /* it may run again */
	server_ask(s, kind->roles);
	return true;
}

static inline void server_end(struct server *s)
{
	s->kind->kill(s);
	feed_rmdir(s->dir);
}

static inline void server_needed(const struct server *s)
{
	if (!s->there)
		skip();
}

/* ---- a log that is copied to it */

static inline void server_copy(struct server *s)
{
	feed_start(&s->store, s->state, s->json);
	feed_ready(&s->store);
	feed_sink(&s->sink, &s->store, s->kind->sink, s->json);
}

/* config.json. place: NULL = the usual one; more: what else it has, behind that. */
static inline void server_copy_settings(struct server *s, const char *place, const char *more)
{
	char usual[PATH_MAX];

	snprintf(usual, sizeof(usual), s->kind->place, s->dir);
	snprintf(s->json, sizeof(s->json), "{\"DB sql server\": {%s%s}", place ? place : usual, more);
}

/* A new log; nothing is there yet. */
static inline void server_copy_new(struct server *s, const char *place, const char *more)
{
#define SERVER_EMPTY(t) "TRUNCATE connection_log" t ";"
	server_ask(s, SERVER_TABLES(SERVER_EMPTY));
	feed_tmpdir(s->state);
	server_copy_settings(s, place, more);
	server_copy(s);
}

/* In order: the sink has said how far it is, and ends first. */
static inline void server_copy_stop(struct server *s)
{
	feed_talk(&s->store, &s->sink, 300);
	assert_int_equal(feed_stop(&s->sink), 0);
	s->store.other = NULL;
	assert_int_equal(feed_stop(&s->store), 0);
}

static inline void server_copy_kill(struct server *s)
{
	feed_kill(&s->sink);
	s->store.other = NULL;
	feed_kill(&s->store);
}

static inline void server_copy_end(struct server *s)
{
	server_copy_stop(s);
	feed_rmdir(s->state);
}

static inline void server_flow(struct server *s, unsigned pid, unsigned lport, uint64_t sent)
{
	struct wire_flow flow = feed_tcp(pid, (uint16_t)lport, 443, sent, 2 * sent);

	feed_flow(&s->store, &flow);
}

static inline void server_loss(struct server *s)
{
	struct wire_loss loss = {.from_ns = FEED_T * FEED_NS,
				 .to_ns = FEED_T * FEED_NS,
				 .records = 5,
				 .kind = WIRE_LOSS_RING_FULL,
				 .stage = WIRE_STAGE_COLLECTOR,
				 .detail_len = 4};

	feed_put(&s->store, WIRE_LOSS, &loss, sizeof(loss), "it's", 4);
}

/* Until the server says so, for as long as a slow machine may need. */
static inline void server_becomes(struct server *s, const char *sql, const char *want)
{
	const char *got = "";
	int i;

	for (i = 0; i < 600; i++) {
		feed_talk(&s->store, &s->sink, 100);
		got = server_ask(s, sql);
		if (strcmp(got, want) == 0)
			return;
	}
	fail_msg("%s\ngot: %s\nwant: %s\nlast message: %s", sql, got, want, s->sink.text);
}

static inline void server_arrive(struct server *s, const char *rows)
{
	server_becomes(s, "SELECT count(*) FROM connection_log", rows);
}

/* Until the sink has said that. */
static inline void server_says(struct server *s, const char *what)
{
	int i;

	for (i = 0; i < 300 && !strstr(s->sink.text, what); i++)
		feed_talk(&s->store, &s->sink, 100);
	if (!strstr(s->sink.text, what))
		fail_msg("wanted: %s, said: %s", what, s->sink.text);
}

/* Every column of every row, here and there. */
static inline void server_equal(struct server *s)
{
#define SERVER_NAME(since, name, type, sql) ", '" #name "'"
	char sql[] = "SELECT contime" COLUMNS_FLOW(SERVER_NAME) COLUMNS_IMAGE(
		SERVER_NAME) ", 'time', protocol_name FROM connections ORDER BY contime, lport, send";
	char *here, *c;

	for (c = sql; *c; c++)
		if (*c == '\'')
			*c = s->kind->quote;
	here = strdup(feed_ask(&s->store, sql));
	assert_string_equal(server_ask_as(s, "auditor", sql), here);
	free(here);
}

/* SQL on a snitch.db. */
static inline void server_edit_here(const char *state, const char *sql)
{
	char path[2 * PATH_MAX];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/snitch.db", state);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* ---- verify */

/* The exit code of `verify`, against the copy too; what it said is in s->said. */
static inline int server_verify(struct server *s, const char *state)
{
	char path[PATH_MAX], remote[PATH_MAX], command[4 * PATH_MAX];
	FILE *out;
	size_t n;

	feed_program(path, "femtosnitch-verify");
	snprintf(remote, sizeof(remote), s->kind->remote, s->dir);
	snprintf(command, sizeof(command), "%s --state-dir '%s' --remote '%s' 2>&1", path, state, remote);
	out = popen(command, "r");
	n = fread(s->said, 1, sizeof(s->said) - 1, out);
	s->said[n] = '\0';
	return WEXITSTATUS(pclose(out));
}

/* What an edit makes it say: on the server, or of snitch.db. */
struct server_edit {
	const char *there, *here, *says;
};

/* A log of four windows: in the first a loss, in the third a program whose hash comes with the fourth. */
static inline void server_four_windows(struct server *s)
{
	struct feed_image late = {.key = FEED_KEY(3, 1),
				  .path = "/bin/late",
				  .comm = "late",
				  .file_id = 7,
				  .hash_error = WIRE_HASH_PENDING};
	struct wire_digest d = {.file_id = 7};
	unsigned i;

	server_copy_new(s, NULL, "}");
	server_loss(s);
	feed_program_start(&s->store, 1, 0, "/bin/a", "a", 2, 1);
	for (i = 1; i <= 4; i++) {
		if (i == 3)
			feed_image(&s->store, &late);
		if (i == 4)
			feed_put(&s->store, WIRE_DIGEST, &d, sizeof(d), NULL, 0);
		server_flow(s, i == 3 ? 3 : 1, i, i);
		feed_window(&s->store, FEED_T + 10 * i);
	}
	server_becomes(s, "SELECT count(*) FROM connection_log_window", "4");
	server_copy_stop(s);
}

/* Each of them is found in that log, one after the other, and nothing else. */
static inline void server_edits(struct server *s, const struct server_edit *edits, size_t n)
{
#define SERVER_KEEP(t) "CREATE TABLE kept" t " AS SELECT * FROM connection_log" t ";"
#define SERVER_BACK(t) SERVER_EMPTY(t) "INSERT INTO connection_log" t " SELECT * FROM kept" t ";"
#define SERVER_DROP(t) "DROP TABLE kept" t ";"
	char copy[PATH_MAX];
	size_t i;

	server_four_windows(s);
	if (server_verify(s, s->state) != 0 || !strstr(s->said, "remote: whole: 4 windows, 4 flows"))
		fail_msg("%s", s->said);
	server_ask(s, SERVER_TABLES(SERVER_KEEP));
	snprintf(copy, sizeof(copy), "%.1000s.copy", s->state);
	for (i = 0; i < n; i++) {
		const char *what = edits[i].there ? edits[i].there : edits[i].here;
		const char *why = edits[i].there ? server_ask(s, edits[i].there) : "";

		if (*why)
			fail_msg("%s: %s", what, why);
		assert_int_equal(server_run("rm -rf '%s' && cp -r '%s' '%s'", copy, s->state, copy), 0);
		if (edits[i].here)
			server_edit_here(copy, edits[i].here);
		if (server_verify(s, copy) != 1 || !strstr(s->said, edits[i].says))
			fail_msg("%s\nsays: %s\nwant: %s", what, s->said, edits[i].says);
		server_ask(s, SERVER_TABLES(SERVER_BACK));
	}
	assert_int_equal(server_verify(s, s->state), 0);
	server_ask(s, SERVER_TABLES(SERVER_DROP));
	feed_rmdir(copy);
	feed_rmdir(s->state);
}

#endif
