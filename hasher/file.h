/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file.h - which version of which file an open fd is, in the words of the exec record (struct wire_file), and
 * when two such answers mean the same bytes. Only dev differs in meaning: here it is what stat says, in the
 * record it is the superblock's, and on btrfs and overlay these never agree.
 */
#ifndef FEMTOSNITCH_HASHER_FILE_H
#define FEMTOSNITCH_HASHER_FILE_H

#include <stdbool.h>

#include "bpf/wire.h"

/* Fill *f from what the kernel holds now, without asking a server; generation stays 0. 0, -errno, or -EINVAL
 * for what is not a regular file. */
int file_stat(int fd, struct wire_file *f);

/* Open what lies at path for reading, and only if it is a regular file: a directory of the path may have
 * become a link to somewhere in /dev since, and opening a device can do anything. The fd, or -errno. May wait
 * for a server. */
int file_open(const char *path);

/* FS_IOC_GETVERSION, 0 where the filesystem has none. May wait for a server. */
__u32 file_generation(int fd);

/* A number for the filesystem of fd that outlives a restart. 0: it has none, or no generations (a 0 from
 * one that has them is a file of the image it was made from), or whoever mounts it may forge its files
 * (nosuid; see known.h). May wait for a server. */
__u64 file_filesystem(int fd);

/* The same inode number, size and both times: nobody wrote, renamed or unlinked in between. */
bool file_unchanged(const struct wire_file *a, const struct wire_file *b);

/* The same inode number, size and mtime: renamed or unlinked at most. */
bool file_same_content(const struct wire_file *a, const struct wire_file *b);

/* Changed so shortly before now_ns (CLOCK_REALTIME) that one more change could carry the same ctime. */
bool file_young(const struct wire_file *f, wire_ns now_ns);

#endif
