/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * header.h - reads the header of one installed package as rpm keeps it: two big-endian counts, an index of
 * tags, and the data they point into (rpm-v4 format, https://rpm.org/docs; without the magic that a file
 * has). Trusts no number in it. No I/O.
 */
#ifndef FEMTOSNITCH_HASHER_RPMDB_HEADER_H
#define FEMTOSNITCH_HASHER_RPMDB_HEADER_H

#include <stddef.h>
#include <stdint.h>

/* rpmtag.h */
#define HEADER_NAME 1000
#define HEADER_VERSION 1001
#define HEADER_RELEASE 1002
#define HEADER_EPOCH 1003
#define HEADER_FILE_DIGESTS 1035
#define HEADER_DIR_INDEXES 1116
#define HEADER_BASE_NAMES 1117
#define HEADER_DIR_NAMES 1118
#define HEADER_DIGEST_ALGORITHM 5011

struct header {
	const uint8_t *index, *data;
	uint32_t tags, bytes;
};

/* One tag's strings, or numbers. */
struct header_list {
	const uint8_t *at, *end;
	uint32_t left;
};

/* 0 or -EINVAL. Borrows the bytes. */
int header_open(struct header *, const void *, size_t len);

/* An empty list where there is no such tag, or of another type. */
struct header_list header_strings(const struct header *, uint32_t tag);
struct header_list header_numbers(const struct header *, uint32_t tag);

const char *header_next_string(struct header_list *);	  /* NULL at the end */
int header_next_number(struct header_list *, uint32_t *); /* 1, or 0 at the end */

#endif
