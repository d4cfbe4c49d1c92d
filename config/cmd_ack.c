// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cmd_ack.c - `ack`, `mute`, `unmute`: what a person says about a program. Only the store writes the log, so
 * the daemon that runs is asked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/client.h"
#include "config/command.h"
#include "config/control.h"
#include "config/log.h"

#define ASK_MS 12000
#define ALL "all"

/* "90s", "10m", "2h", "7d", "4w" as seconds, -1 if it is none of these. */
static int64_t seconds(const char *text)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	char *end;
	long long value = strtoll(text, &end, 10);
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (end != text && *end == units[i].unit && end[1] == '\0' && value > 0 && value < 1000000)
			return value * units[i].seconds;
	return -1;
}

static int refuse(const struct options *o, int rc)
{
	if (rc == -ENOENT || rc == -ECONNREFUSED)
		log_warnx("femtosnitch is not running, and only it writes the log: %s start", o->argv0);
	else if (rc == -EACCES || rc == -EPERM)
		log_warnx("you may not ask: be root, or in the group femtosnitch");
	else
		log_warnx("no answer: %s", strerror(-rc));
	return COMMAND_FAILED;
}

static int ask(const struct options *o, const char *line, const char *program, const char *what)
{
	char *answer = NULL;
	unsigned long n;
	int rc = client_ask(o, line, ASK_MS, &answer), code = COMMAND_FAILED;

	if (rc < 0)
		return refuse(o, rc);
	if (strncmp(answer, "done ", 5) != 0) {
		command_print(stderr, answer, strlen(answer));
	} else if ((n = strtoul(answer + 5, NULL, 10)) == 0 && program[0]) {
		log_warnx("no such program in the log: %s", program);
	} else {
		printf("%s: %lu\n", what, n);
		code = COMMAND_GOOD;
	}
	free(answer);
	return code;
}

static int order(const struct options *o, const char *verb, const char *program, const char *what)
{
	char line[CONTROL_LINE_MAX];

	if (program[0] == '\0' ||
	    (size_t)snprintf(line, sizeof(line), "%s %s", verb, program) >= sizeof(line) - 1) {
		log_warnx("%s: found \"%.64s\", allowed: a path, or the name of a program", verb, program);
		return COMMAND_USAGE;
	}
	if (strcmp(program, ALL) == 0) {
		snprintf(line, sizeof(line), "%s ", verb);
		program = "";
	}
	return ask(o, line, program, what);
}

int command_ack(const struct options *o, int argc, char **argv)
{
	if (argc != 2) {
		log_warnx("usage: %s ack PROGRAM|all", o->argv0);
		return COMMAND_USAGE;
	}
	return order(o, "ack", argv[1], "acknowledged");
}

int command_unmute(const struct options *o, int argc, char **argv)
{
	if (argc != 2) {
		log_warnx("usage: %s unmute PROGRAM|all", o->argv0);
		return COMMAND_USAGE;
	}
	return order(o, "unmute", argv[1], "no longer muted");
}

int command_mute(const struct options *o, int argc, char **argv)
{
	int64_t span = argc == 3 ? seconds(argv[2]) : 0;
	char verb[64];

	if (argc < 2 || argc > 3 || span < 0) {
		log_warnx("usage: %s mute PROGRAM [TIME], where TIME is 30m, 2h, 7d ...; for ever without it",
			  o->argv0);
		return COMMAND_USAGE;
	}
	if (strcmp(argv[1], ALL) == 0) {
		log_warnx("to mute all programs, set \"Desktop notifications\" or \"Notify kinds\" in "
			  "config.json");
		return COMMAND_USAGE;
	}
	snprintf(verb, sizeof(verb), "mute %lld", span ? (long long)time(NULL) + (long long)span : 0);
	return order(o, verb, argv[1], "muted");
}
