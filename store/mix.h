/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mix.h - numbers made of bytes: mix() for places in hash tables, fnv1a() for what is kept in rows.
 */
#ifndef FEMTOSNITCH_STORE_MIX_H
#define FEMTOSNITCH_STORE_MIX_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Peers choose addresses and ports: whole words are mixed, so that no choice of theirs makes long chains. */
static inline uint64_t mix(uint64_t h, const void *bytes, size_t len)
{
	uint64_t word;
	size_t i;

	for (i = 0; i < len; i += sizeof(word)) {
		word = 0;
		memcpy(&word, (const unsigned char *)bytes + i,
		       len - i < sizeof(word) ? len - i : sizeof(word));
		h = (h ^ word) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	return h;
}

#define FNV1A_BASIS 0xcbf29ce484222325u

/* FNV-1a of 64 bits (Fowler, Noll, Vo). Rows are found again by it, so it can never be another. */
static inline uint64_t fnv1a(uint64_t h, const void *bytes, size_t len)
{
	const unsigned char *b = bytes;

	while (len--)
		h = (h ^ *b++) * 0x100000001b3u;
	return h;
}

#endif
