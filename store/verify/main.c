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
#include "store/verify/local.h"

static const char usage[] = "usage: femtosnitch verify [--state-dir DIR]\n\n"
			    "Checks that nothing in snitch.db was changed, removed or inserted since it was "
			    "written: each window has\n"
			    "a SHA-256 over its content and over the window before it. Whoever rewrites the "
			    "whole chain is found only\n"
			    "by comparing with a copy on another machine.\n\n"
			    "Exit codes: 0 whole, 1 broken or not readable, 2 wrong usage.\n";

static int check(const char *state_dir)
{
	struct local_seen seen;
	char path[PATH_MAX];
	struct sqlite db;
	int rc;

	if (snprintf(path, sizeof(path), "%s/" SCHEMA_FILE, state_dir) >= (int)sizeof(path))
		fatalx("%s: path too long", state_dir);
	if ((rc = sqlite_open_reading(&db, path)) != 0 || (rc = sqlite_exec(&db, "BEGIN")) != 0) {
		log_warnx("%s: %s", path, db.why);
		return 1;
	}
	if (sqlite_number(&db, "PRAGMA user_version", 0) != SCHEMA_VERSION) {
		log_warnx("%s: its schema version is not %d", path, SCHEMA_VERSION);
		sqlite_close(&db);
		return 1;
	}
	rc = local_check(&db, &seen, NULL, NULL);
	if (rc < 0)
		log_warnx("%s: could not be read: %s", path, db.why);
	else if (rc == 0)
		printf("local: whole: %" PRId64 " windows, %" PRId64 " flows\n", seen.windows, seen.flows);
	sqlite_close(&db);
	return rc != 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"state-dir", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *state_dir = NULL;
	int c, rc;

	log_open("femtosnitch", 0);
	if (argc > 1 && strcmp(argv[1], "verify") == 0) /* as `femtosnitch` calls us */
		argc--, argv++;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (c != 's')
			return 2;
		state_dir = optarg;
	}
	if (!state_dir || optind != argc) {
		fputs(usage, stderr);
		return 2;
	}
	rc = check(state_dir);
	printf("remote: not checked\n");
	return rc;
}
