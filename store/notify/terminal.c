// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * terminal.c - see terminal.h.
 */
#include "store/notify/terminal.h"

#include <glib.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/log.h"

/* The command and its words are arguments of this: none of them is part of its text. */
#define SHOW "\"$@\"; printf '\\n[Enter closes this window] '; read -r _"

struct terminal {
	char *path;  /* g_free() */
	bool dash_e; /* it wants -e before the command */
};

/* Newest convention first: https://gitlab.freedesktop.org/terminal-wg/specifications. -e is what Debian's
 * policy (11.8.3) asks of x-terminal-emulator, and what nearly all others understand. */
static struct terminal find(void)
{
	const char *wish = getenv("TERMINAL");
	struct terminal t = {.path = g_find_program_in_path("xdg-terminal-exec")};

	if (t.path)
		return t;
	t.dash_e = true;
	if (wish && *wish)
		t.path = g_find_program_in_path(wish);
	if (!t.path)
		t.path = g_find_program_in_path("x-terminal-emulator");
	return t;
}

static bool has_display(void)
{
	return getenv("WAYLAND_DISPLAY") || getenv("DISPLAY");
}

bool terminal_there(void)
{
	struct terminal t = find();
	bool there = t.path && has_display();

	g_free(t.path);
	return there;
}

/* Installed it is in the path; in the tree it is beside us. */
static char *femtosnitch(void)
{
	char self[PATH_MAX] = "", *dir, *beside;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return g_find_program_in_path("femtosnitch");
	dir = g_path_get_dirname(self);
	beside = g_build_filename(dir, "femtosnitch", NULL);
	g_free(dir);
	if (g_file_test(beside, G_FILE_TEST_IS_EXECUTABLE))
		return beside;
	g_free(beside);
	return g_find_program_in_path("femtosnitch");
}

bool terminal_why(const char *state_dir, const char *program)
{
	struct terminal t = find();
	char *command = femtosnitch();
	GPtrArray *argv = g_ptr_array_new();
	GError *error = NULL;
	bool started = false;

	if (t.path && command) {
		g_ptr_array_add(argv, t.path);
		if (t.dash_e)
			g_ptr_array_add(argv, "-e");
		g_ptr_array_add(argv, "sh");
		g_ptr_array_add(argv, "-c");
		g_ptr_array_add(argv, SHOW);
		g_ptr_array_add(argv, "sh");
		g_ptr_array_add(argv, command);
		g_ptr_array_add(argv, "--state-dir");
		g_ptr_array_add(argv, (char *)state_dir);
		g_ptr_array_add(argv, "why");
		g_ptr_array_add(argv, (char *)program);
		g_ptr_array_add(argv, NULL);
		started = g_spawn_async(NULL, (char **)argv->pdata, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL,
					&error);
	}
	if (!started)
		log_warnx("no terminal was opened: %s", error ? error->message : "none is installed");
	g_clear_error(&error);
	g_ptr_array_free(argv, TRUE);
	g_free(t.path);
	g_free(command);
	return started;
}
