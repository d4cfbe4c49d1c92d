/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command.h - the commands of `femtosnitch`, one function each, in a file per job. main.c has the table.
 */
#ifndef FEMTOSNITCH_COMMAND_H
#define FEMTOSNITCH_COMMAND_H

#include <stddef.h>
#include <stdio.h>

#include "config/options.h"

enum command_exit {
	COMMAND_GOOD,
	COMMAND_FAILED,
	COMMAND_USAGE,	/* or the settings are wrong */
	COMMAND_STOPPED /* status: nothing runs */
};

/* argv[0] is the command's name. Returns the exit code. */
typedef int command_function(const struct options *, int argc, char **argv);

command_function command_run, command_status;
command_function command_start, command_stop, command_restart; /* cmd_service.c */
command_function command_check, command_doctor, command_query;
command_function command_geoip;				    /* cmd_geoip.c */
command_function command_ack, command_mute, command_unmute; /* cmd_ack.c */
command_function command_list, command_why;		    /* cmd_query.c */
command_function command_notify_test, command_pg_schema, command_mysql_schema, command_verify,
	command_import; /* cmd_become.c */

/* Does start, stop and restart belong to systemd here (its unit is installed, no other state directory
 * meant)? */
bool command_by_systemd(const struct options *);
#define COMMAND_UNIT "femtosnitch.service"

/* Become femtosnitch-PROGRAM, which is told argv[0], --state-dir and the other arguments. Returns only after
 * a message. */
int command_become(const char *program, const struct options *, int argc, char **argv);

/* Print lines that another user could have written, so that a terminal obeys nothing in them. */
void command_print(FILE *, const char *text, size_t len);

/* COMMAND_USAGE with a message unless there are no arguments. */
int command_no_arguments(int argc, char **argv);

#endif
