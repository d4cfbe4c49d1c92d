// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cmd_become.c - commands that another program does, so that what it needs is not mapped here: it is told the
 * command, the state directory and the arguments.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/command.h"
#include "config/log.h"

int command_become(const char *program, const struct options *o, int argc, char **argv)
{
	char path[OPTIONS_PATH_MAX + 32];
	char **args = calloc((size_t)argc + 4, sizeof(*args));
	int i, n = 0;

	if (!args)
		fatalx("no memory");
	snprintf(path, sizeof(path), "%s/femtosnitch-%s", o->bin_dir, program);
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

int command_notify_test(const struct options *o, int argc, char **argv)
{
	return command_become("notify", o, argc, argv);
}

int command_mysql_schema(const struct options *o, int argc, char **argv)
{
	return command_become("mariadb", o, argc, argv);
}

int command_pg_schema(const struct options *o, int argc, char **argv)
{
	return command_become("postgres", o, argc, argv);
}

int command_verify(const struct options *o, int argc, char **argv)
{
	return command_become("verify", o, argc, argv);
}

/* It has to know the settings too: what they switch off is not imported. */
int command_import(const struct options *o, int argc, char **argv)
{
	char **args = calloc((size_t)argc + 3, sizeof(*args));
	int i, n = 0;

	if (!args)
		fatalx("no memory");
	args[n++] = argv[0];
	args[n++] = "--config";
	args[n++] = (char *)o->config;
	for (i = 1; i < argc; i++)
		args[n++] = argv[i];
	return command_become("import", o, n, args);
}
