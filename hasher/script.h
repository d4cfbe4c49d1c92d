/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * script.h - reads the command line of an interpreter as that would: which script was it told to run? Pure.
 *
 * The interpreter is known by the name of its file, which no argument can change; how it takes its options
 * apart is in a table. What its own rules look up (a module, a class) is said to be so, without a path.
 */
#ifndef FEMTOSNITCH_HASHER_SCRIPT_H
#define FEMTOSNITCH_HASHER_SCRIPT_H

#include "bpf/wire.h"

struct script {
	enum wire_script source; /* never KERNEL: nobody can tell from a command line */
	const char *path;	 /* ARGV: as it is written, inside the record; else NULL */
};

/* A record that was checked. */
void script_find(struct script *, const struct wire_exec *);

/* Its argument of that number, NULL = there is none. */
const char *script_argument(const struct wire_exec *, unsigned number);

#endif
