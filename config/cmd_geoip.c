// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cmd_geoip.c - `geoip update`: becomes femtosnitch-geoip, which is told the URL of config.json, so that what
 * speaks to a server is not mapped here.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/command.h"
#include "config/log.h"
#include "config/settings.h"

static void refused(void *arg, const char *line)
{
	(void)arg;
	log_warnx("%s", line);
}

int command_geoip(const struct options *o, int argc, char **argv)
{
	char **args = calloc((size_t)argc + 3, sizeof(*args));
	struct settings settings = {0};
	int i, rc;

	if (!args)
		fatalx("no memory");
	if (access(o->config, F_OK) != 0 && errno == ENOENT) /* as `run` would have it: the defaults */
		rc = settings_parse(&settings, "defaults", "{}", 2, refused, NULL, NULL);
	else
		rc = settings_load(&settings, o->config, NULL, NULL, refused, NULL, NULL);
	if (rc != 0) {
		free(args);
		return rc == -EINVAL ? COMMAND_USAGE : COMMAND_FAILED;
	}
	args[0] = argv[0];
	args[1] = (char *)"--url"; /* one that was given comes later, and counts */
	args[2] = settings.geoip_url;
	for (i = 1; i < argc; i++)
		args[i + 2] = argv[i];
	rc = command_become("geoip", o, argc + 2, args);
	settings_free(&settings);
	free(args);
	return rc;
}
