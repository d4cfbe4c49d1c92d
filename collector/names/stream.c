// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/names/stream.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 2048		/* of a buffer: most greetings fit */
#define STALE_NS 10000000000ull /* nobody takes so long to say one thing */

struct streams {
	uint64_t lost;
	struct stream stream[STREAMS_MAX];
};

struct streams *streams_new(void)
{
	return calloc(1, sizeof(struct streams));
}

void streams_end(struct stream *s)
{
	quic_free(s->quic);
	free(s->data);
	*s = (struct stream){0};
}

void streams_free(struct streams *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < STREAMS_MAX; i++)
		streams_end(&all->stream[i]);
	free(all);
}

void streams_give_up(struct streams *all, struct stream *s)
{
	all->lost++;
	streams_end(s);
}

static bool is_of(const struct stream *s, const struct wire_payload *p)
{
	if (s->kind == STREAM_FREE || s->cookie != p->cookie ||
	    s->received != !!(p->flags & WIRE_PAYLOAD_RECEIVED))
		return false;
	return s->kind != STREAM_QUIC ||
	       (s->rport == p->rport && memcmp(s->raddr, p->raddr, WIRE_ADDR_SIZE) == 0);
}

struct stream *streams_find(struct streams *all, const struct wire_payload *p)
{
	for (size_t i = 0; i < STREAMS_MAX; i++) {
		struct stream *s = &all->stream[i];

		if (!is_of(s, p))
			continue;
		if (s->kind == STREAM_QUIC || p->offset == s->next) {
			s->time_ns = p->time_ns;
			return s;
		}
		streams_end(s);
	}
	return NULL;
}

struct stream *streams_begin(struct streams *all, const struct wire_payload *p, enum stream_kind kind)
{
	struct stream *s = &all->stream[0];

	for (size_t i = 1; i < STREAMS_MAX && s->kind != STREAM_FREE; i++)
		if (all->stream[i].kind == STREAM_FREE || all->stream[i].time_ns < s->time_ns)
			s = &all->stream[i];
	if (s->kind != STREAM_FREE && s->time_ns + STALE_NS > p->time_ns)
		all->lost++;
	streams_end(s);
	s->kind = kind;
	s->received = p->flags & WIRE_PAYLOAD_RECEIVED;
	s->cookie = p->cookie;
	s->next = p->offset;
	s->time_ns = p->time_ns;
	memcpy(s->raddr, p->raddr, WIRE_ADDR_SIZE);
	s->rport = p->rport;
	return s;
}

static bool make_room(struct stream *s, size_t len)
{
	size_t size = s->size ? s->size : FIRST_SIZE;
	uint8_t *data;

	if (len > STREAM_BYTES - s->len)
		return false;
	while (size < s->len + len)
		size *= 2;
	if (size == s->size)
		return true;
	data = realloc(s->data, size);
	if (!data)
		return false;
	s->data = data;
	s->size = size;
	return true;
}

bool streams_add(struct streams *all, struct stream *s, const uint8_t *data, size_t len)
{
	if (!make_room(s, len)) {
		streams_give_up(all, s);
		return false;
	}
	memcpy(s->data + s->len, data, len);
	s->len += len;
	s->next += len;
	return true;
}

void streams_drop(struct stream *s, size_t n)
{
	memmove(s->data, s->data + n, s->len - n);
	s->len -= n;
}

uint64_t streams_lost(struct streams *all)
{
	uint64_t lost = all->lost;

	all->lost = 0;
	return lost;
}
