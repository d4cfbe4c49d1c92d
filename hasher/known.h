/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * known.h - the digests of earlier runs, in a file of its own ("hashes", beside snitch.db): after a restart
 * or a reboot nothing is hashed again that stood still. Costs no memory: a question is one read of 4 KiB.
 *
 * It is not a part of snitch.db because data flows one way only: the store, which owns that file, is behind
 * us, and this process has no SQLite in it. What is lost with the file is only work.
 *
 * An answer is given only for the same filesystem, inode number, generation, size, ctime and mtime as were
 * hashed. That says the same bytes only as long as nobody can make such an inode by hand, so nothing is
 * remembered of filesystems without generations, or mounted nosuid: a stick that a user mounts may be written
 * elsewhere in between. (Who can forge one that honours set-user-ID is root already.) And a file that was
 * written within KNOWN_SETTLED_S before it was hashed is hashed anew after a reboot: a crash may have lost
 * its last bytes, and kept its times.
 *
 * Bound: KNOWN_FILES; the one in its bucket not used for longest gives way. Each entry carries a checksum.
 */
#ifndef FEMTOSNITCH_HASHER_KNOWN_H
#define FEMTOSNITCH_HASHER_KNOWN_H

#include <stdbool.h>

#include "bpf/wire.h"

#define KNOWN_FILES 32768
#define KNOWN_SETTLED_S 600
#define KNOWN_BOOT_ID "/proc/sys/kernel/random/boot_id"

struct known;

/* boot_id: a file whose text differs after each boot. NULL: cannot be used, which is logged; all else here
 * takes NULL for a memory that knows nothing. */
struct known *known_open(const char *dir, const char *boot_id);
void known_close(struct known *);

/* filesystem: file_filesystem(); file: with its generation. False: not known. */
bool known_find(struct known *, __u64 filesystem, const struct wire_file *file,
		__u8 sha256[WIRE_SHA256_SIZE]);

/* file was hashed just now, and is not young (file_young). */
void known_add(struct known *, __u64 filesystem, const struct wire_file *file,
	       const __u8 sha256[WIRE_SHA256_SIZE]);

/* It was unmounted: who has it now can write to it unseen. dev: stat's. */
void known_forget_dev(struct known *, __u32 dev);

#endif
