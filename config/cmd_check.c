// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cmd_check.c - `check-config`: is config.json good, and how are its entries understood?
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/command.h"
#include "config/log.h"
#include "config/settings.h"

static void refused(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

static void noticed(void *arg, const char *line)
{
	(void)arg;
	printf("notice: %s\n", line);
}

int command_check(const struct options *o, int argc, char **argv)
{
	struct settings s;
	char text[512];
	size_t i;
	int rc;

	if (command_no_arguments(argc, argv) != COMMAND_GOOD)
		return COMMAND_USAGE;
	rc = settings_load(&s, o->config, NULL, NULL, refused, noticed, NULL);
	if (rc < 0) {
		if (rc == -EINVAL)
			log_warnx("%s: refused", o->config);
		return rc == -EINVAL ? COMMAND_USAGE : COMMAND_FAILED;
	}
	for (i = 0; i < s.n_ignore; i++)
		if (settings_rule_text(&s.ignore[i], text, sizeof(text)) > 0)
			printf("Log ignore: %s\n", text);
	settings_free(&s);
	printf("%s: good\n", o->config);
	return COMMAND_GOOD;
}
