/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer.h - the program of bpf/answer.bpf.c on every packet that a socket of this machine receives: what
 * "Log ignore" believes. It costs something and serves nothing else, so it is there only while that names a
 * domain; and it can be put there only while the collector has its privileges. No state but the link.
 */
#ifndef FEMTOSNITCH_ANSWER_H
#define FEMTOSNITCH_ANSWER_H

#include <stdbool.h>

#include "collector/hold.h"
#include "config/settings.h"

/* Does "Log ignore" need it? Without names in traffic there is nothing to match. */
bool answer_wanted(const struct settings *);

/* Attach the program of hold to the root of cgroup v2. The link, whose close(2) ends it; or -errno (-ENOENT:
 * the kernel refused the program). Needs CAP_NET_ADMIN (Linux 6.1), or CAP_SYS_ADMIN (6.18). */
int answer_watch(const struct hold *);

#endif
