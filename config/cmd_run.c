// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cmd_run.c - `run`, what systemd starts, and `status`, which asks it.
 */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/client.h"
#include "config/command.h"
#include "config/instance.h"
#include "config/log.h"
#include "config/supervise.h"
#include "config/utf8.h"

#define ASK_MS 5000

void command_print(FILE *f, const char *text, size_t len)
{
	const char *end = text + len;
	char shown[4096];
	size_t line;

	for (; text < end; text += line + 1) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));

		line = (size_t)((newline ? newline : end) - text);
		utf8_escape(shown, sizeof(shown), text, line);
		fprintf(f, "%s\n", shown);
	}
}

int command_no_arguments(int argc, char **argv)
{
	if (argc == 1)
		return COMMAND_GOOD;
	log_warnx("%s: found %s, allowed: no argument", argv[0], argv[1]);
	return COMMAND_USAGE;
}

int command_run(const struct options *o, int argc, char **argv)
{
	if (command_no_arguments(argc, argv) != COMMAND_GOOD)
		return COMMAND_USAGE;
	if (geteuid() != 0) {
		log_warnx("reading the kernel needs root: try sudo %s run%s%s%s%s", o->argv0,
			  o->typed_state ? " --state-dir " : "", o->typed_state ? o->typed_state : "",
			  o->config_given ? " --config " : "", o->config_given ? o->config : "");
		return COMMAND_FAILED;
	}
	return supervise_run(o);
}

/* Nobody is told to join the group root. */
static void say_not_for_you(const char *dir)
{
	struct group *group = NULL;
	struct stat st;

	if (stat(dir, &st) == 0 && st.st_gid != 0)
		group = getgrgid(st.st_gid);
	if (group)
		log_warnx("%s: not for you to see: be root, or in the group %s (sudo usermod -aG %s $USER, "
			  "then log in again)",
			  dir, group->gr_name, group->gr_name);
	else
		log_warnx("%s: not for you to see: ask as root", dir);
}

int command_status(const struct options *o, int argc, char **argv)
{
	char *answer = NULL;
	pid_t pid;
	int rc;

	if (command_no_arguments(argc, argv) != COMMAND_GOOD)
		return COMMAND_USAGE;
	if (command_by_systemd(o))
		printf("service: " COMMAND_UNIT " (systemctl status " COMMAND_UNIT ")\n");
	pid = instance_running(o);
	if (pid == 0) {
		printf("state: stopped\nstate directory: %s\n", o->state_dir);
		return COMMAND_STOPPED;
	}
	if (pid == -EACCES) {
		say_not_for_you(o->state_dir);
		return COMMAND_FAILED;
	}
	if (pid < 0) {
		log_warnx("%s: %s", o->state_dir,
			  pid == -ESTALE ? "the lock is held, but not by femtosnitch" : strerror(-(int)pid));
		return COMMAND_FAILED;
	}
	rc = client_ask(o, "status", ASK_MS, &answer);
	if (rc < 0) {
		printf("state: running\npid: %d\n", (int)pid);
		log_warnx("it does not answer: %s", strerror(-rc));
		return COMMAND_FAILED;
	}
	command_print(stdout, answer, strlen(answer));
	free(answer);
	return COMMAND_GOOD;
}
