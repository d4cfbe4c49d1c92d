// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check.c - see check.h.
 */
#include "store/verify/check.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/log.h"
#include "config/settings.h"
#include "config/wire_check.h"
#include "store/host.h"
#include "store/verify/local.h"
#include "store/verify/remote.h"

static const char usage[] =
	"usage: femtosnitch verify [--state-dir DIR] [--remote SERVER [--table NAME]]\n\n"
	"Checks that nothing in snitch.db was changed, removed or inserted since it was written: each window "
	"has\n"
	"a SHA-256 over its content and over the window before it. Whoever rewrites the whole chain is "
	"found\n"
	"only by comparing with a copy on another machine: --remote checks that too, and one against the "
	"other.\n"
	"SERVER is what \"DB sql server\" of config.json may be, for a user with the role "
	"femtosnitch_reader:\n\n"
	"  femtosnitch verify --remote \"host=db dbname=audit user=me\"\n"
	"  femtosnitch verify --remote '{\"client\": \"mariadb\", \"host\": \"db\", \"database\": \"audit\", "
	"\"user\": \"me\"}'\n\n"
	"Exit codes: 0 whole, 1 broken or not readable, 2 wrong usage.\n";

struct both {
	struct remote *remote;
	unsigned char host[CONTENT_ID];
};

static void window_is_good(void *arg, const struct history_run *run, const struct history_window *w)
{
	struct both *both = arg;

	memcpy(both->host, run->host, CONTENT_ID);
	if (both->remote)
		remote_local_window(both->remote, run, w);
}

static int open_log(struct sqlite *db, const char *state_dir)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/" SCHEMA_FILE, state_dir) >= (int)sizeof(path))
		fatalx("%s: path too long", state_dir);
	if (sqlite_open_reading(db, path) != 0 || sqlite_exec(db, "BEGIN") != 0) {
		log_warnx("%s: %s", path, db->why);
		return -1;
	}
	if (sqlite_number(db, "PRAGMA user_version", 0) != SCHEMA_VERSION) {
		log_warnx("%s: its schema version is not %d", path, SCHEMA_VERSION);
		sqlite_close(db);
		return -1;
	}
	return 0;
}

/* The exit code. */
static int check(const char *state_dir, struct remote *remote, const char *sink)
{
	struct both both = {.remote = remote};
	struct local_seen seen;
	struct sqlite db;
	sqlite3_stmt *stmt;
	int64_t acked;
	int rc;

	if (open_log(&db, state_dir) != 0)
		return 1;
	host_id(both.host);
	rc = local_check(&db, &seen, window_is_good, &both);
	if (rc < 0)
		log_warnx("%s: could not be read: %s", state_dir, db.why);
	else if (rc == 0)
		printf("local: whole: %" PRId64 " windows, %" PRId64 " flows\n", seen.windows, seen.flows);
	stmt = sqlite_statement(&db, "SELECT seq FROM sink WHERE name = ?1");
	sqlite3_bind_text(stmt, 1, sink, -1, SQLITE_STATIC);
	acked = sqlite_step(&db, stmt) == 1 ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite_close(&db);
	if (!remote)
		printf("remote: not checked\n");
	else if (rc >= 0)
		rc |= remote_check(remote, both.host, acked);
	return rc != 0;
}

/* The program beside us that knows such servers does it. The exit code if it is not there. */
static int become(enum wire_stage sink, int argc, char **argv)
{
	char path[PATH_MAX] = "", *slash, **args = calloc((size_t)argc + 2, sizeof(*args));

	if (!args)
		fatalx("no memory");
	if (readlink("/proc/self/exe", path, sizeof(path) - 64) > 0 && (slash = strrchr(path, '/')))
		snprintf(slash, 64, "/femtosnitch-%s", wire_stage_name(sink));
	args[0] = path;
	args[1] = "verify";
	memcpy(args + 2, argv + 1, (size_t)(argc - 1) * sizeof(*args));
	execv(path, args);
	log_warn("%s", path);
	free(args);
	return 1;
}

static int run(const char *state_dir, const struct reader *reader, const char *where, const char *table)
{
	struct remote *remote = NULL;
	int rc;

	if (where && !(remote = remote_open(reader, where, table)))
		return 1;
	rc = check(state_dir, remote, where ? wire_stage_name(reader->stage) : "");
	remote_close(remote);
	return rc;
}

int check_command(const struct reader *reader, int argc, char **argv)
{
	static const struct option options[] = {
		{"state-dir", required_argument, NULL, 's'},
		{"remote", required_argument, NULL, 'r'},
		{"table", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *state_dir = NULL, *where = NULL, *table = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (c == '?')
			return 2;
		*(c == 's' ? &state_dir : c == 'r' ? &where : &table) = optarg;
	}
	if (!state_dir || optind != argc || (table && !where)) {
		fputs(usage, stderr);
		return 2;
	}
	if (where && !reader)
		return become(settings_server(where), argc, argv);
	return run(state_dir, reader, where, table);
}
