/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mix.h - where things lie in the hash tables of the store, by bytes that peers choose (addresses, ports):
 * whole words are mixed, so that no choice of theirs makes long chains.
 */
#ifndef FEMTOSNITCH_STORE_MIX_H
#define FEMTOSNITCH_STORE_MIX_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

#endif
