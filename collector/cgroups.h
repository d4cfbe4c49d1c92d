/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroups.h - the cgroups that are there already when we start; those made later are told by the kernel.
 */
#ifndef FEMTOSNITCH_CGROUPS_H
#define FEMTOSNITCH_CGROUPS_H

#include "collector/record.h"

#define CGROUPS_DEPTH 64 /* levels below the root, an open descriptor each; nobody nests so deep */

/* Hand on a wire_cgroup for each. How many; 0 also where there is no cgroup v2. */
unsigned cgroups_list(struct record *);

#endif
