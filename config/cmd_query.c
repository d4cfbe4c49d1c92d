// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cmd_query.c - `query`, and `list` and `why`, which are questions too: becomes femtosnitch-view, so that
 * what reads the database is not mapped here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/command.h"
#include "config/log.h"

static int ask_view(const struct options *o, char *question, int argc, char **argv)
{
	char **args = calloc((size_t)argc + 3, sizeof(*args));
	int i, n = 0;

	if (!args)
		fatalx("no memory");
	args[n++] = "query";
	args[n++] = question;
	for (i = 1; i < argc; i++)
		args[n++] = argv[i];
	return command_query(o, n, args);
}

int command_list(const struct options *o, int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "new") == 0)
		return ask_view(o, "unacknowledged", argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "muted") == 0)
		return ask_view(o, "muted", argc - 1, argv + 1);
	log_warnx("usage: %s list new|muted", o->argv0);
	return COMMAND_USAGE;
}

int command_why(const struct options *o, int argc, char **argv)
{
	if (argc >= 2)
		return ask_view(o, "why", argc, argv);
	log_warnx("usage: %s why PROGRAM", o->argv0);
	return COMMAND_USAGE;
}

int command_query(const struct options *o, int argc, char **argv)
{
	return command_become("view", o, argc, argv);
}
