/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hashing.h - who hashes what. Small files at normal priority: at a low one they would wait on a busy machine
 * for longer than they are remembered. Big ones at low priority, or they would be felt. Those that may not
 * answer apart, by their distance, so that nobody waits for them. Each crew is made when its first file
 * comes.
 */
#ifndef FEMTOSNITCH_HASHER_HASHING_H
#define FEMTOSNITCH_HASHER_HASHING_H

#include <stdbool.h>

#include "bpf/wire.h"
#include "hasher/digest.h"
#include "hasher/distance.h"

struct hashing;

enum hashing_crew {
	HASHING_SMALL,
	HASHING_BIG,
	HASHING_FAR,
	HASHING_STRANGE,
	HASHING__CREWS
};

struct hashing *hashing_new(unsigned max_files); /* waiting at a time, each an open fd; NULL: no memory */
void hashing_free(struct hashing *);		 /* NULL is fine */

/* Hash fd. 0: later, fd is taken. 1: *now is the result already (too many wait: small files are hashed on the
 * spot, others refused with WIRE_HASH_BUSY); fd stays the caller's, as a far one must not be closed by
 * everyone. */
int hashing_submit(struct hashing *, int fd, __u64 file_id, const struct wire_file *st, enum distance,
		   struct digest_result *now);

int hashing_fd(const struct hashing *, enum hashing_crew); /* readable: results; -1: no such crew yet */
bool hashing_result(struct hashing *, __u64 *file_id, struct digest_result *); /* false: there is none */
void hashing_check(struct hashing *);					       /* now and then: time limits */
bool hashing_busy(const struct hashing *);
__u64 hashing_refused(const struct hashing *); /* files, since the start */

#endif
