// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * header.c - see header.h.
 */
#include "hasher/rpmdb/header.h"

#include <errno.h>
#include <string.h>

#define ENTRY_BYTES 16 /* tag, type, offset, count */
#define PREFACE_BYTES 8

enum {
	TYPE_INT32 = 4,
	TYPE_STRING = 6,
	TYPE_STRING_ARRAY = 8
};

static uint32_t number(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

int header_open(struct header *h, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	if (len < PREFACE_BYTES)
		return -EINVAL;
	h->tags = number(p);
	h->bytes = number(p + 4);
	if (h->tags > (len - PREFACE_BYTES) / ENTRY_BYTES ||
	    h->bytes > len - PREFACE_BYTES - (size_t)h->tags * ENTRY_BYTES)
		return -EINVAL;
	h->index = p + PREFACE_BYTES;
	h->data = h->index + (size_t)h->tags * ENTRY_BYTES;
	return 0;
}

/* The tag's data from its offset to the end of all data. */
static struct header_list find(const struct header *h, uint32_t tag, uint32_t *type)
{
	struct header_list list = {0};
	uint32_t i;

	for (i = 0; i < h->tags; i++) {
		const uint8_t *entry = h->index + (size_t)i * ENTRY_BYTES;

		if (number(entry) != tag || number(entry + 8) > h->bytes)
			continue;
		*type = number(entry + 4);
		list.at = h->data + number(entry + 8);
		list.end = h->data + h->bytes;
		list.left = number(entry + 12);
		break;
	}
	return list;
}

struct header_list header_strings(const struct header *h, uint32_t tag)
{
	uint32_t type = 0;
	struct header_list list = find(h, tag, &type);

	if (type != TYPE_STRING && type != TYPE_STRING_ARRAY)
		list.left = 0;
	return list;
}

struct header_list header_numbers(const struct header *h, uint32_t tag)
{
	uint32_t type = 0;
	struct header_list list = find(h, tag, &type);

	if (type != TYPE_INT32)
		list.left = 0;
	return list;
}

const char *header_next_string(struct header_list *list)
{
	const uint8_t *text = list->at, *end;

	if (!list->left || text >= list->end)
		return NULL;
	end = memchr(text, '\0', (size_t)(list->end - text));
	if (!end)
		return NULL;
	list->at = end + 1;
	list->left--;
	return (const char *)text;
}

int header_next_number(struct header_list *list, uint32_t *value)
{
	if (!list->left || list->end - list->at < 4)
		return 0;
	*value = number(list->at);
	list->at += 4;
	list->left--;
	return 1;
}
