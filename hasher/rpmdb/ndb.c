// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ndb.c - see ndb.h. Little-endian. A head of 32 bytes: "RpmP", version, generation, pages of slots; then a
 * slot of 16 bytes for each package: "Slot", its number (0 = free), where its blob is and how much it takes,
 * in blocks of 16 bytes; a blob: "BlbS", number, generation, length, and the header (rpm,
 * lib/backend/ndb/rpmpkg.c).
 *
 * The index beside it is not used: to read all headers of a large system takes a fraction of a second, and
 * whoever asks does so rarely.
 */
#include "hasher/rpmdb/ndb.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE_BYTES 4096
#define SLOT_BYTES 16
#define BLOCK_BYTES 16
#define HEAD_SLOTS 2
#define PAGES_MAX 4096	     /* of slots: a million packages */
#define BLOB_MAX (64u << 20) /* a package of a million files */

static uint32_t number(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool is(const uint8_t *p, const char *magic)
{
	return memcmp(p, magic, 4) == 0;
}

static bool read_at(int fd, void *to, size_t len, uint64_t offset)
{
	return pread(fd, to, len, (off_t)offset) == (ssize_t)len;
}

struct buffer {
	uint8_t *bytes;
	size_t size;
};

static bool reserve(struct buffer *b, size_t size)
{
	uint8_t *bytes;

	if (size <= b->size)
		return true;
	bytes = realloc(b->bytes, size);
	if (!bytes)
		return false;
	b->bytes = bytes;
	b->size = size;
	return true;
}

static void read_package(int fd, const uint8_t *slot, struct buffer *b, struct matches *m)
{
	uint64_t offset = (uint64_t)number(slot + 8) * BLOCK_BYTES;
	uint8_t head[BLOCK_BYTES];
	uint32_t len;

	if (!is(slot, "Slot") || !number(slot + 4) || !read_at(fd, head, sizeof(head), offset) ||
	    !is(head, "BlbS") || number(head + 4) != number(slot + 4))
		return;
	len = number(head + 12);
	if (len <= BLOB_MAX && reserve(b, len) && read_at(fd, b->bytes, len, offset + sizeof(head)))
		match_header(m, NULL, b->bytes, len);
}

int ndb_match(int fd, struct matches *m)
{
	uint8_t page[PAGE_BYTES];
	struct buffer b = {0};
	uint32_t pages, i, at;

	if (!read_at(fd, page, sizeof(page), 0) || !is(page, "RpmP") || number(page + 4) != 0)
		return -EINVAL;
	pages = number(page + 12);
	if (pages > PAGES_MAX)
		return -EINVAL;
	for (i = 0; i < pages && read_at(fd, page, sizeof(page), (uint64_t)i * PAGE_BYTES); i++)
		for (at = i ? 0 : HEAD_SLOTS * SLOT_BYTES; at < PAGE_BYTES; at += SLOT_BYTES)
			read_package(fd, page + at, &b, m);
	free(b.bytes);
	return 0;
}
