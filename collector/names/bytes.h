/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bytes.h - a place in bytes of strangers. What is taken past the end is zero, and the place says so from
 * then on, so that a reader asks once at the end of a structure instead of at each field.
 */
#ifndef FEMTOSNITCH_NAMES_BYTES_H
#define FEMTOSNITCH_NAMES_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	const uint8_t *at;
	size_t left;
	bool short_of; /* more was asked for than there was */
};

/* The next n bytes, to be read on their own. Short: there were fewer; then it is empty and short as well. */
static inline struct bytes bytes_take(struct bytes *b, size_t n)
{
	struct bytes taken = {.at = b->at, .left = n};

	if (b->short_of || n > b->left) {
		b->short_of = true;
		b->left = 0;
		return (struct bytes){.at = b->at, .short_of = true};
	}
	b->at += n;
	b->left -= n;
	return taken;
}

/* A number of n bytes, the highest first. */
static inline uint64_t bytes_number(struct bytes *b, size_t n)
{
	struct bytes taken = bytes_take(b, n);
	uint64_t value = 0;

	for (size_t i = 0; i < taken.left; i++)
		value = value << 8 | taken.at[i];
	return value;
}

/* What stands behind its length, which is a number of n bytes (a vector of RFC 8446, 3.4). */
static inline struct bytes bytes_vector(struct bytes *b, size_t n)
{
	return bytes_take(b, (size_t)bytes_number(b, n));
}

#endif
