/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proc.h - what /proc says of a process, of which only its number is left when it has ended: so each question
 * is asked of the process that was recorded, or not at all.
 */
#ifndef FEMTOSNITCH_HASHER_PROC_H
#define FEMTOSNITCH_HASHER_PROC_H

#include <stdbool.h>
#include <stddef.h>

#include "bpf/wire.h"

/* Does the process still run that was recorded, or another with its number? */
bool proc_same(const struct wire_image_key *);

/* Does it see the machine's own files, or those of a container, a Flatpak, a chroot of its own? True also
 * when its root is not known. Asks no server. */
bool proc_elsewhere(const struct wire_exec *);

/* Does it live in our user namespace? Whoever does not may have mounted what does not answer. */
bool proc_our_users(__u32 tgid);

/* The text of /proc/PID/cgroup, up to size - 1 bytes and a NUL. False: the process is gone. */
bool proc_cgroups(const struct wire_image_key *, char *to, size_t size);

#endif
