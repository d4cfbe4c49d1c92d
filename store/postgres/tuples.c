// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tuples.c - see tuples.h. All numbers are in network order. A row is the number of its columns (16 bits),
 * then each as its length (-1 = NULL) and its bytes. A time is in microseconds since 2000.
 */
#include "store/postgres/tuples.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define EPOCH_2000 946684800
#define SIZE_MIN (2 * TUPLES_PIECE)

static const char signature[] = "PGCOPY\n\377\r\n"; /* and its NUL; then 32 bits of flags and of extension */

/* Room for so many bytes more. NULL: no memory. */
static char *room(struct tuples *t, size_t len)
{
	size_t size = t->size ? t->size : SIZE_MIN;
	char *grown;

	while (size < t->len + len)
		size *= 2;
	if (size != t->size) {
		if (!(grown = realloc(t->data, size))) {
			t->failed = true;
			return NULL;
		}
		t->data = grown;
		t->size = size;
	}
	return t->data + t->len;
}

static char *put16(char *at, uint16_t value)
{
	value = htons(value);
	return (char *)memcpy(at, &value, sizeof(value)) + sizeof(value);
}

static char *put32(char *at, uint32_t value)
{
	value = htonl(value);
	return (char *)memcpy(at, &value, sizeof(value)) + sizeof(value);
}

static char *put64(char *at, int64_t value)
{
	uint64_t wire = htobe64((uint64_t)value);

	at = put32(at, sizeof(wire));
	return (char *)memcpy(at, &wire, sizeof(wire)) + sizeof(wire);
}

static char *put_bytes(char *at, const void *bytes, size_t len)
{
	at = put32(at, (uint32_t)len);
	return (char *)memcpy(at, bytes, len) + len;
}

static char *put_value(char *at, enum layout_type type, const struct content_value *v)
{
	if (!v->is_number)
		return v->text ? put_bytes(at, v->text, v->len) : put32(at, (uint32_t)-1);
	if (type == LAYOUT_INT)
		return put32(put32(at, 4), (uint32_t)v->number);
	return put64(at, type == LAYOUT_TIME ? (v->number - EPOCH_2000) * 1000000 : v->number);
}

void tuples_log(struct tuples *t, const struct layout *l, const void *host, const void *log,
		const char *hostname)
{
	size_t len = strnlen(hostname, HISTORY_HOSTNAME);
	char *at = put16(t->prefix, (uint16_t)l->n);

	at = put_bytes(at, host, CONTENT_ID);
	at = put_bytes(at, log, CONTENT_ID);
	at = put_bytes(at, hostname, len);
	t->prefix_len = (size_t)(at - t->prefix);
}

void tuples_begin(struct tuples *t)
{
	char *at;

	t->len = 0;
	t->rows = 0;
	t->failed = false;
	if (!(at = room(t, sizeof(signature) + 8)))
		return;
	memcpy(at, signature, sizeof(signature));
	memset(at + sizeof(signature), 0, 8);
	t->len = sizeof(signature) + 8;
}

void tuples_add(struct tuples *t, const struct layout *l, const struct content_value *row)
{
	size_t n = l->n - l->constants, most = t->prefix_len, i;
	char *at;

	for (i = 0; i < n; i++)
		most += 12 + row[i].len;
	if (!(at = room(t, most)))
		return;
	at = (char *)memcpy(at, t->prefix, t->prefix_len) + t->prefix_len;
	for (i = 0; i < n; i++)
		at = put_value(at, l->columns[l->constants + i].type, &row[i]);
	t->len = (size_t)(at - t->data);
	t->rows++;
}

void tuples_end(struct tuples *t)
{
	char *at = room(t, 2);

	if (at)
		t->len = (size_t)(put16(at, (uint16_t)-1) - t->data);
}

void tuples_free(struct tuples *t)
{
	free(t->data);
	memset(t, 0, sizeof(*t));
}
