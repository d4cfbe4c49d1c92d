// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * join.c - owns the candidates: a ring in order of arrival (so that expiry looks at one end only) which is
 * moved together where many are dead, grows to its bound and goes back to nothing when it is empty, and
 * chains by process, newest first.
 */
#include "hasher/join.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "hasher/file.h"

#define BUCKETS 256
#define FIRST 64

/* Positions count up for ever; a candidate's place is its position modulo the ring's size (a power of two). A
 * link to a position before tail is the end of a chain. */
struct candidate {
	__u64 ino, size_bytes, file_id;
	__s64 ctime_s, mtime_s;
	__u32 ctime_ns, mtime_ns;
	__u32 tgid; /* 0: its process has exited */
	__u32 seen_ms;
	__u32 next;
};

struct join {
	struct candidate *ring;
	unsigned size, max;
	__u32 head, tail; /* positions: next to write, oldest kept; start at 1, so that 0 is nobody */
	unsigned dead;	  /* of them, candidates whose process has exited */
	__u32 bucket[BUCKETS];
};

static_assert((JOIN_MAX & (JOIN_MAX - 1)) == 0, "the ring wraps by mask");

struct join *join_new(unsigned max)
{
	struct join *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	for (j->max = FIRST; j->max < max && j->max < JOIN_MAX;)
		j->max *= 2;
	j->head = j->tail = 1;
	return j;
}

void join_free(struct join *j)
{
	if (!j)
		return;
	free(j->ring);
	free(j);
}

static struct candidate *at(const struct join *j, __u32 position)
{
	return &j->ring[position & (j->size - 1)];
}

/* In use: tail <= position < head, with positions that may wrap. */
static bool in_use(const struct join *j, __u32 position)
{
	return position - j->tail < j->head - j->tail;
}

static int grow(struct join *j)
{
	unsigned size = j->size ? j->size * 2 : FIRST;
	struct candidate *ring = malloc(size * sizeof(*ring));
	__u32 p;

	if (!ring)
		return -ENOMEM;
	for (p = j->tail; p != j->head; p++)
		ring[p & (size - 1)] = *at(j, p);
	free(j->ring);
	j->ring = ring;
	j->size = size;
	return 0;
}

static void drop_oldest(struct join *j)
{
	j->dead -= !at(j, j->tail++)->tgid;
}

/* One that lives long keeps the place of all that came after it and are gone: move the others together. */
static void compact(struct join *j)
{
	__u32 from, to = j->tail;

	memset(j->bucket, 0, sizeof(j->bucket));
	for (from = j->tail; from != j->head; from++) {
		struct candidate c = *at(j, from);
		__u32 *bucket = &j->bucket[c.tgid % BUCKETS];

		if (!c.tgid)
			continue;
		c.next = *bucket;
		*at(j, to) = c;
		*bucket = to++;
	}
	j->head = to;
	j->dead = 0;
}

/* Room for one more: 0, 1: the oldest gave way, -ENOMEM. */
static int make_room(struct join *j)
{
	if (j->head - j->tail < j->size)
		return 0;
	if (j->size && j->dead >= j->size / 4) {
		compact(j);
		return 0;
	}
	if (j->size < j->max && !grow(j))
		return 0;
	if (!j->size)
		return -ENOMEM;
	drop_oldest(j);
	return 1;
}

/* Give back what a burst needed. */
static void reset_if_empty(struct join *j)
{
	if (j->head != j->tail)
		return;
	if (j->size > FIRST) {
		free(j->ring);
		j->ring = NULL;
		j->size = 0;
	}
	j->head = j->tail = 1;
	memset(j->bucket, 0, sizeof(j->bucket));
}

int join_add(struct join *j, __u32 tgid, const struct wire_file *st, __u64 file_id, __u64 now_ms)
{
	__u32 *bucket = &j->bucket[tgid % BUCKETS];
	int dropped = make_room(j);

	if (dropped < 0)
		return dropped;
	*at(j, j->head) = (struct candidate){
		.ino = st->ino,
		.size_bytes = st->size_bytes,
		.file_id = file_id,
		.ctime_s = st->ctime_s,
		.mtime_s = st->mtime_s,
		.ctime_ns = st->ctime_ns,
		.mtime_ns = st->mtime_ns,
		.tgid = tgid,
		.seen_ms = now_ms,
		.next = *bucket,
	};
	*bucket = j->head++;
	return dropped;
}

static enum join_result compare(const struct candidate *c, const struct wire_file *record)
{
	struct wire_file st = {
		.ino = c->ino,
		.size_bytes = c->size_bytes,
		.ctime_s = c->ctime_s,
		.mtime_s = c->mtime_s,
		.ctime_ns = c->ctime_ns,
		.mtime_ns = c->mtime_ns,
	};

	if (st.ino != record->ino)
		return JOIN_NONE;
	if (file_unchanged(&st, record))
		return JOIN_CERTAIN;
	return file_same_content(&st, record) ? JOIN_RENAMED : JOIN_CHANGED;
}

enum join_result join_find(const struct join *j, __u32 tgid, const struct wire_file *record, __u64 *file_id)
{
	enum join_result best = JOIN_NONE;
	__u32 p;

	for (p = j->bucket[tgid % BUCKETS]; in_use(j, p) && best != JOIN_CERTAIN; p = at(j, p)->next) {
		const struct candidate *c = at(j, p);
		enum join_result r = c->tgid == tgid ? compare(c, record) : JOIN_NONE;

		/* the enum goes from best to worst, but for NONE; of equals the newest wins */
		if (r == JOIN_NONE || (best != JOIN_NONE && r >= best))
			continue;
		best = r;
		if (r != JOIN_CHANGED)
			*file_id = c->file_id;
	}
	return best;
}

void join_exit(struct join *j, __u32 tgid)
{
	__u32 p;

	for (p = j->bucket[tgid % BUCKETS]; in_use(j, p); p = at(j, p)->next) {
		if (at(j, p)->tgid != tgid)
			continue;
		at(j, p)->tgid = 0;
		j->dead++;
	}
	while (j->tail != j->head && !at(j, j->tail)->tgid)
		drop_oldest(j);
	reset_if_empty(j);
}

void join_expire(struct join *j, __u64 now_ms)
{
	while (j->tail != j->head) {
		const struct candidate *c = at(j, j->tail);

		if (c->tgid && (__u32)now_ms - c->seen_ms < JOIN_KEEP_MS)
			break;
		drop_oldest(j);
	}
	reset_if_empty(j);
}

unsigned join_count(const struct join *j)
{
	return j->head - j->tail;
}
