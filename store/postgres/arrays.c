// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * arrays.c - see arrays.h. All numbers are in network order: dimensions (1), whether there are NULLs, type of
 * the elements, how many, index of the first; then each as its length (-1 = NULL) and its bytes.
 */
#include "store/postgres/arrays.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define AT_NULLS 4
#define AT_COUNT 12

unsigned array_type(unsigned element)
{
	switch (element) {
	case ARRAY_BYTEA:
		return 1001;
	case ARRAY_INT8:
		return 1016;
	default:
		return 1009; /* text[] */
	}
}

static unsigned char *room(struct array *a, size_t len)
{
	size_t size = a->size ? a->size : 256;
	unsigned char *grown;

	while (size < a->len + len)
		size *= 2;
	if (size != a->size) {
		if (!(grown = realloc(a->data, size))) {
			a->failed = true;
			return NULL;
		}
		a->data = grown;
		a->size = size;
	}
	a->len += len;
	return a->data + a->len - len;
}

static void put32(struct array *a, uint32_t value)
{
	unsigned char *at = room(a, sizeof(value));

	value = htonl(value);
	if (at)
		memcpy(at, &value, sizeof(value));
}

static void set32(struct array *a, size_t at, uint32_t value)
{
	value = htonl(value);
	if (!a->failed)
		memcpy(a->data + at, &value, sizeof(value));
}

void array_begin(struct array *a, unsigned element)
{
	a->len = 0;
	a->n = 0;
	a->failed = false;
	put32(a, 1);
	put32(a, 0);
	put32(a, element);
	put32(a, 0);
	put32(a, 1);
}

void array_null(struct array *a)
{
	put32(a, (uint32_t)-1);
	set32(a, AT_NULLS, 1);
	set32(a, AT_COUNT, ++a->n);
}

void array_number(struct array *a, int64_t value)
{
	uint64_t wire = htobe64((uint64_t)value);

	array_bytes(a, &wire, sizeof(wire));
}

void array_bytes(struct array *a, const void *bytes, size_t len)
{
	unsigned char *at;

	put32(a, (uint32_t)len);
	at = room(a, len);
	if (at)
		memcpy(at, bytes, len);
	set32(a, AT_COUNT, ++a->n);
}

void array_free(struct array *a)
{
	free(a->data);
	memset(a, 0, sizeof(*a));
}
