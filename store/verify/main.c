// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - femtosnitch-verify: was the log changed since it was written? For whoever may read it. Needs no
 * privileges, changes nothing. Exit: 0 whole, 1 broken or not readable, 2 wrong usage.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/log.h"
#include "store/host.h"
#include "store/verify/local.h"
#include "store/verify/remote.h"

static const char usage[] =
	"usage: femtosnitch verify [--state-dir DIR] [--remote CONNINFO [--table NAME]]\n\n"
	"Checks that nothing in snitch.db was changed, removed or inserted since it was written: each window "
	"has\n"
	"a SHA-256 over its content and over the window before it. Whoever rewrites the whole chain is "
	"found\n"
	"only by comparing with a copy on another machine: --remote checks that too, and one against the "
	"other.\n"
	"CONNINFO is that of a user with the role femtosnitch_reader, as libpq knows it:\n\n"
	"  femtosnitch verify --remote \"host=db dbname=audit user=me\"\n\n"
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
static int check(const char *state_dir, struct remote *remote)
{
	struct both both = {.remote = remote};
	struct local_seen seen;
	struct sqlite db;
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
	acked = sqlite_number(&db, "SELECT seq FROM sink WHERE name = 'postgres'", 0);
	sqlite_close(&db);
	if (!remote)
		printf("remote: not checked\n");
	else if (rc >= 0)
		rc |= remote_check(remote, both.host, acked);
	return rc != 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"state-dir", required_argument, NULL, 's'},
		{"remote", required_argument, NULL, 'r'},
		{"table", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *state_dir = NULL, *conninfo = NULL, *table = NULL;
	struct remote *remote = NULL;
	int c, rc;

	log_open("femtosnitch", 0);
	if (argc > 1 && strcmp(argv[1], "verify") == 0) /* as `femtosnitch` calls us */
		argc--, argv++;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (c == '?')
			return 2;
		*(c == 's' ? &state_dir : c == 'r' ? &conninfo : &table) = optarg;
	}
	if (!state_dir || optind != argc || (table && !conninfo)) {
		fputs(usage, stderr);
		return 2;
	}
	if (conninfo && !(remote = remote_open(conninfo, table)))
		return 1;
	rc = check(state_dir, remote);
	remote_close(remote);
	return rc;
}
