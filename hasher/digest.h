/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * digest.h - the SHA-256 of one open file, made in slices, and proof that the file stood still meanwhile:
 * stat before and after must agree, else it is read again (DIGEST_TRIES in all). No thread, no queue.
 */
#ifndef FEMTOSNITCH_HASHER_DIGEST_H
#define FEMTOSNITCH_HASHER_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "bpf/wire.h"

#define DIGEST_BUFFER 131072 /* pread size: within 3 % of anything larger */
#define DIGEST_TRIES 3

struct digest; /* borrows its fd */

/* What came of it. */
struct digest_result {
	struct wire_file as_read; /* the version that was hashed */
	__u64 filesystem;	  /* file_filesystem() */
	unsigned hash_error;	  /* enum wire_hash_error */
	bool young;		  /* changed so shortly before that a later change may not show */
	__u8 sha256[WIRE_SHA256_SIZE];
};

/* The file behind fd, which must still hold what expect says (renamed or unlinked at most).
 * NULL: no memory. */
struct digest *digest_new(int fd, const struct wire_file *expect);
void digest_free(struct digest *); /* NULL is fine */

/* Hash at most slice_bytes more, with buf of DIGEST_BUFFER bytes. 1: there is more, 0: done,
 * *out is filled. */
int digest_step(struct digest *, void *buf, size_t slice_bytes, struct digest_result *out);

__u64 digest_left(const struct digest *); /* bytes still to read, as far as known */

/* The name of the reason for an errno met on the way to the bytes. */
unsigned digest_error(int err);

#endif
