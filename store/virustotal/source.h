/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source.h - the file that is uploaded: an open descriptor that was read once already, to the end, to have
 * the SHA-256 it should have, before its first byte goes anywhere; and once more while it goes. Each piece is
 * given out only while the file still has the ctime and size of then, the last one only if all of them
 * together had that SHA-256: a file that is written to meanwhile never arrives whole. Nothing is buffered.
 */
#ifndef FEMTOSNITCH_STORE_VIRUSTOTAL_SOURCE_H
#define FEMTOSNITCH_STORE_VIRUSTOTAL_SOURCE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/wire.h"

#define SOURCE_MAX (UINT64_C(650) << 20) /* more is not taken there */

struct source;

/* Owns fd from now on, also if there is nothing to upload: NULL, and why says so. */
struct source *source_open(int fd, const uint8_t sha256[WIRE_SHA256_SIZE], const char **why);
void source_close(struct source *); /* NULL is fine */

uint64_t source_size(const struct source *);

/* The next bytes, size at most. 0: that was all, -1: it is not the file any more. */
ssize_t source_read(struct source *, void *buf, size_t size);

#endif
