// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - `femtosnitch`: the table of commands. Exit codes: 0 good, 1 failed, 2 wrong usage or settings, 3
 * status when nothing runs.
 */
#include <stdio.h>
#include <string.h>

#include "config/command.h"
#include "config/log.h"

struct command {
	const char *name;
	const char *arguments;
	const char *help;
	command_function *run;
};

static command_function help, version;

static const struct command commands[] = {
	{"run", "", "watch in the foreground, until SIGINT or SIGTERM", command_run},
	{"start", "", "watch in the background", command_start},
	{"stop", "", "stop watching", command_stop},
	{"restart", "", "stop, then start", command_restart},
	{"status", "", "is it running, what does it see, what was lost", command_status},
	{"check-config", "", "is config.json good, and how is it understood", command_check},
	{"doctor", "", "what this machine offers, what is not covered and why", command_doctor},
	{"query", "[...]", "ask the log: `query --help` lists the questions", command_query},
	{"list", "new|muted", "programs that are not acknowledged, or that are muted", command_list},
	{"why", "PROGRAM", "why it was told to the desktop, or why not", command_why},
	{"ack", "PROGRAM|all", "it is known now, no news any more", command_ack},
	{"mute", "PROGRAM [TIME]", "say nothing about it (for 2h, 7d ...)", command_mute},
	{"unmute", "PROGRAM|all", "speak of it again", command_unmute},
	{"notify-test", "", "show one bubble, or say which link is broken", command_notify_test},
	{"pg-schema", "[...]", "print the SQL that \"DB sql server\" needs on a PostgreSQL server",
	 command_pg_schema},
	{"mysql-schema", "[...]", "the same for a MariaDB or MySQL server", command_mysql_schema},
	{"verify", "[...]", "was the log changed since it was written", command_verify},
	{"import", "[...]", "take over what picosnitch knew: its log, programs, settings", command_import},
	{"geoip", "update", "fetch databases of countries and networks (DB-IP Lite)", command_geoip},
	{"version", "", "print the version", version},
	{"help", "", "print this", help},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *f)
{
	char left[64];
	size_t i;

	fputs("usage: femtosnitch [--config FILE] [--state-dir DIR] [--debug] COMMAND\n\n"
	      "Logs which program talks, or tries to talk, to whom, how much and when.\n\n",
	      f);
	for (i = 0; i < N_COMMANDS; i++) {
		snprintf(left, sizeof(left), "%s %s", commands[i].name, commands[i].arguments);
		fprintf(f, "  %-19s %s\n", left, commands[i].help);
	}
	fputs("\n"
	      "  --config FILE    instead of " SYSCONFDIR "/femtosnitch/config.json\n"
	      "  --state-dir DIR  everything in DIR instead of /var/lib/femtosnitch and "
	      "/var/log/femtosnitch\n"
	      "  --debug          say more\n\n"
	      "Exit codes: 0 good, 1 failed, 2 wrong usage or settings, 3 status when it is not running.\n",
	      f);
}

static int help(const struct options *o, int argc, char **argv)
{
	(void)o, (void)argc, (void)argv;
	print_help(stdout);
	return COMMAND_GOOD;
}

static int version(const struct options *o, int argc, char **argv)
{
	(void)argc, (void)argv;
	printf("femtosnitch %s\nconfig: %s\nstate: %s\nlogs: %s\n", VERSION, o->config, o->state_dir,
	       o->log_dir);
	return COMMAND_GOOD;
}

static const struct command *find(const char *name)
{
	size_t i;

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	else if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		name = "version";
	for (i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct command *command;
	struct options options;

	log_open("femtosnitch", 0);
	if (options_parse(&options, &argc, argv) < 0)
		return COMMAND_USAGE;
	log_open("femtosnitch", options.debug);
	if (argc < 2) {
		print_help(stderr);
		return COMMAND_USAGE;
	}
	command = find(argv[1]);
	if (!command) {
		log_warnx("unknown command %s", argv[1]);
		print_help(stderr);
		return COMMAND_USAGE;
	}
	/* Those with arguments have a help of their own. */
	if (argc == 3 && command->arguments[0] != '[' && find(argv[2]) == find("help") && argv[2][0] == '-')
		return help(&options, argc, argv);
	return command->run(&options, argc - 1, argv + 1);
}
