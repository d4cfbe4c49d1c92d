/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.h - the global options of every command, and the places that follow from them.
 */
#ifndef FEMTOSNITCH_OPTIONS_H
#define FEMTOSNITCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define OPTIONS_PATH_MAX 1024 /* of a directory or file named by the user */

struct options {
	const char *argv0;	 /* as typed, for hints */
	const char *typed_state; /* --state-dir as typed, NULL if it was not */
	bool config_given;
	bool debug;
	char config[OPTIONS_PATH_MAX]; /* absolute from here on */
	char state_dir[OPTIONS_PATH_MAX];
	char log_dir[OPTIONS_PATH_MAX];
	char bin_dir[OPTIONS_PATH_MAX]; /* where the stages are: beside us in a build tree, else LIBEXECDIR */
};

/* Take the global options out of argv, wherever they stand, and fill in the defaults. What is left - the
 * command and its own arguments - is in argv[1..*argc). 0, or -EINVAL after a message. "--" ends the options.
 */
int options_parse(struct options *, int *argc, char **argv);

/* Where the desktops of this machine connect to: /run/femtosnitch/notify.sock, reachable for everybody, or with
 * --state-dir "STATE_DIR/notify.sock". NULL when it does not fit. */
#define OPTIONS_RUN_DIR "/run/femtosnitch"
#define OPTIONS_NOTIFY_SOCKET "notify.sock"
const char *options_run_dir(const char *state_dir);
const char *options_notify_socket(const char *state_dir, char *buf, size_t size);

/* "STATE_DIR/NAME" in buf; NULL when it does not fit. */
const char *options_state_path(const struct options *, const char *name, char *buf, size_t size);

#endif
