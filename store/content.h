/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * content.h - what the rows of the log say, as bytes that are the same wherever the rows are kept: a SHA-256
 * of them is what the chain is made of. No I/O.
 *
 * Of each value: one byte, 'n' for NULL, 'i' for a whole number followed by 8 bytes, least significant first,
 * 't' for text followed by its length as 4 such bytes and the text. Ids and hashes are bytes without more.
 *
 * - image: "image", version, its columns, what is pending. The digest stands for the image in flows.
 * - flow: its id, its columns, the digest of its image
 * - late: the digest of an image whose hash was pending, and what it was then found to be
 * - loss: its number in the window, its columns
 * - window: "window", version, host, log, number, hash of the one before, time, first id, flows, late ones,
 * from version 2 on losses; then the flows by id, then the late ones by digest, then the losses by number
 */
#ifndef FEMTOSNITCH_STORE_CONTENT_H
#define FEMTOSNITCH_STORE_CONTENT_H

#include <openssl/sha.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/columns.h"

#define CONTENT_HASH 32
#define CONTENT_ID 16 /* of a host, of a log */

struct content {
	SHA256_CTX ctx;
	size_t used;
	unsigned char buf[2048];
};

/* One column's value. Text is not copied. */
struct content_value {
	const char *text; /* NULL: NULL, or a number if is_number */
	size_t len;
	int64_t number;
	bool is_number;
};

struct content_late {
	unsigned char before[CONTENT_HASH], now[CONTENT_HASH];
};

struct content_window {
	unsigned version;
	unsigned char host[CONTENT_ID], log[CONTENT_ID];
	int64_t seq, time_s, first, flows, late, losses;
	unsigned char previous[CONTENT_HASH];
};

void content_window(struct content *, const struct content_window *); /* begins one */
void content_flow(struct content *, unsigned version, int64_t id, const struct content_value *values,
		  const unsigned char image[CONTENT_HASH]);
void content_late(struct content *, const struct content_late *);
void content_loss(struct content *, unsigned version, int64_t n, const struct content_value *values);
void content_end(struct content *, unsigned char hash[CONTENT_HASH]);

/* pending: NULL, or whose hash it waits for ("LOG:image:generations"). */
void content_image(unsigned version, const struct content_value *values, const char *pending,
		   unsigned char digest[CONTENT_HASH]);

bool content_is_text(const struct column *);
int content_compare_late(const void *, const void *); /* for qsort(3) */

#endif
