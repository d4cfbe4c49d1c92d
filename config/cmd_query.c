// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cmd_query.c - `query`: becomes femtosnitch-view, so that what reads the database is not mapped here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/command.h"
#include "config/log.h"

int command_query(const struct options *o, int argc, char **argv)
{
	char path[OPTIONS_PATH_MAX + 32];
	char **args = calloc((size_t)argc + 4, sizeof(*args));
	int i, n = 0;

	if (!args)
		fatalx("no memory");
	snprintf(path, sizeof(path), "%s/femtosnitch-view", o->bin_dir);
	args[n++] = path;
	args[n++] = argv[0];
	args[n++] = "--state-dir";
	args[n++] = (char *)o->state_dir;
	for (i = 1; i < argc; i++)
		args[n++] = argv[i];
	execv(path, args);
	log_warn("%s", path);
	free(args);
	return COMMAND_FAILED;
}
