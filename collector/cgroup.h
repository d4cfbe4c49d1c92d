/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup.h - finds the root of the cgroup v2 hierarchy, wherever it is mounted. No state.
 */
#ifndef FEMTOSNITCH_CGROUP_H
#define FEMTOSNITCH_CGROUP_H

/* A directory fd of the root cgroup, the caller closes it; -errno: this kernel has no cgroup v2. Where it is
 * not mounted at all, it is mounted for this fd alone (fsmount(2), Linux 5.2). */
int cgroup_root_open(void);

#endif
