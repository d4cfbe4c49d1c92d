// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * options.c - see options.h. Paths are made absolute at once: the supervisor leaves its directory, and the
 * stages get them as they are.
 */
#include "config/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/log.h"

#define DEFAULT_CONFIG SYSCONFDIR "/femtosnitch/config.json"
#define DEFAULT_STATE "/var/lib/femtosnitch"
#define DEFAULT_LOG "/var/log/femtosnitch"

static int set_path(char *dst, const char *option, const char *path)
{
	char cwd[OPTIONS_PATH_MAX];
	size_t len;
	int n;

	if (path[0] == '\0') {
		log_warnx("%s: found nothing, allowed: a path", option);
		return -EINVAL;
	}
	if (path[0] == '/') {
		n = snprintf(dst, OPTIONS_PATH_MAX, "%s", path);
	} else if (!getcwd(cwd, sizeof(cwd))) {
		log_warn("the working directory");
		return -EINVAL;
	} else {
		n = snprintf(dst, OPTIONS_PATH_MAX, "%s/%s", cwd, path);
	}
	if (n >= OPTIONS_PATH_MAX) {
		log_warnx("%s: path too long", option);
		return -EINVAL;
	}
	for (len = (size_t)n; len > 1 && dst[len - 1] == '/'; len--)
		dst[len - 1] = '\0';
	return 0;
}

static int find_stages(struct options *o)
{
	char path[OPTIONS_PATH_MAX + 32];
	ssize_t n = readlink("/proc/self/exe", o->bin_dir, sizeof(o->bin_dir) - 1);
	char *slash;

	if (n > 0) {
		o->bin_dir[n] = '\0';
		slash = strrchr(o->bin_dir, '/');
		if (slash)
			*slash = '\0';
		snprintf(path, sizeof(path), "%s/femtosnitch-collector", o->bin_dir);
		if (slash && access(path, F_OK) == 0)
			return 0;
	}
	return set_path(o->bin_dir, "LIBEXECDIR", LIBEXECDIR);
}

/* The value of the option NAME at argv[*i], whether "NAME VALUE" or "NAME=VALUE"; NULL if another stands
 * there. */
static const char *value_of(const char *name, int argc, char **argv, int *i)
{
	size_t len = strlen(name);

	if (strncmp(argv[*i], name, len) != 0)
		return NULL;
	if (argv[*i][len] == '=')
		return argv[*i] + len + 1;
	if (argv[*i][len] != '\0')
		return NULL;
	return *i + 1 < argc ? argv[++*i] : "";
}

int options_parse(struct options *o, int *argc, char **argv)
{
	const char *config = NULL, *state = NULL, *value;
	int i, kept = 1;

	memset(o, 0, sizeof(*o));
	o->argv0 = argv[0];
	for (i = 1; i < *argc && strcmp(argv[i], "--") != 0; i++) {
		if ((value = value_of("--config", *argc, argv, &i)) != NULL)
			config = value;
		else if ((value = value_of("--state-dir", *argc, argv, &i)) != NULL)
			state = value;
		else if (strcmp(argv[i], "--debug") == 0)
			o->debug = true;
		else
			argv[kept++] = argv[i];
	}
	for (; i < *argc; i++)
		argv[kept++] = argv[i];
	*argc = kept;
	argv[kept] = NULL;
	o->config_given = config != NULL;
	o->typed_state = state;
	if (set_path(o->config, "--config", config ? config : DEFAULT_CONFIG) < 0 ||
	    set_path(o->state_dir, "--state-dir", state ? state : DEFAULT_STATE) < 0 ||
	    set_path(o->log_dir, "--state-dir", state ? state : DEFAULT_LOG) < 0)
		return -EINVAL;
	return find_stages(o);
}

const char *options_state_path(const struct options *o, const char *name, char *buf, size_t size)
{
	return (size_t)snprintf(buf, size, "%s/%s", o->state_dir, name) < size ? buf : NULL;
}

const char *options_run_dir(const char *state_dir)
{
	return strcmp(state_dir, DEFAULT_STATE) == 0 ? OPTIONS_RUN_DIR : state_dir;
}

const char *options_notify_socket(const char *state_dir, char *buf, size_t size)
{
	int n = snprintf(buf, size, "%s/" OPTIONS_NOTIFY_SOCKET, options_run_dir(state_dir));

	return n >= 0 && (size_t)n < size ? buf : NULL;
}
