// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * journal.c - see journal.h. The memory is a page of head and two halves, of which one is in use. A half is
 * written at its end only, and made known by one store (used); what is durable is a mark in it (done). Now
 * and then the rest is copied into the other half, and one store exchanges them. So whenever this process is
 * killed, the next finds one or the other state, never something between.
 */
#include "collector/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/wire_check.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x8u /* linux/memfd.h, Linux 6.3 */
#endif

#define MAGIC 0x66736a31u /* "fsj1" */
#define HEAD_SIZE 16384
#define REST_SIZE (HEAD_SIZE + 2 * (size_t)JOURNAL_HALF)
#define COPY_AT 65536 /* bytes that are done with: time to copy the rest */

/* In front of each frame, padded to 8 bytes as a whole. */
struct entry {
	uint32_t size;	/* with this */
	uint32_t ended; /* an image whose process had ended when it was copied: not copied again */
	struct wire_hdr hdr;
	char payload[];
};

struct half {
	uint64_t first_fact; /* number of the first fact in it */
	uint32_t who;	     /* up to here images of windows past, which are no facts */
	uint32_t done;	     /* all before this is durable; images may be needed still */
	uint32_t used;
	uint32_t pad;
};

struct head {
	uint32_t magic;
	uint32_t in_use; /* which half */
	uint64_t id;
	struct half half[2];
	uint64_t missed_records, missed_bytes, missed_facts;
	uint64_t missed_window; /* to_ns of the last window that did not fit */
	uint64_t durable_to;	/* to_ns of the last window that is durable; before there is one, the id */
	char notes[JOURNAL_NOTES];
};

_Static_assert(sizeof(struct head) <= HEAD_SIZE, "head");

struct journal {
	struct head *head;
	int fd;
	uint64_t facts;
};

static char *half_at(const struct journal *j, unsigned which)
{
	return (char *)j->head + HEAD_SIZE + which * (size_t)JOURNAL_HALF;
}

static struct half *half_now(const struct journal *j)
{
	return &j->head->half[j->head->in_use];
}

static const struct entry *entry_at(const struct journal *j, uint32_t at)
{
	return (const void *)(half_at(j, j->head->in_use) + at);
}

static uint64_t count_facts(const struct journal *j, uint32_t from, uint32_t to)
{
	uint64_t n = 0;

	for (uint32_t at = from; at < to; at += entry_at(j, at)->size)
		n += wire_is_fact(entry_at(j, at)->hdr.type, entry_at(j, at)->payload);
	return n;
}

/* ---- life */

static int make_memory(void)
{
	int fd = memfd_create("femtosnitch-journal", MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create("femtosnitch-journal", MFD_CLOEXEC);
	if (fd >= 0 && ftruncate(fd, REST_SIZE) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Takes fd. */
static struct journal *map(int fd)
{
	struct journal *j = fd >= 0 ? calloc(1, sizeof(*j)) : NULL;

	if (j) {
		j->fd = fd;
		j->head = mmap(NULL, REST_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (j->head != MAP_FAILED)
			return j;
	}
	if (fd >= 0)
		close(fd);
	free(j);
	return NULL;
}

struct journal *journal_new(uint64_t id)
{
	struct journal *j = map(make_memory());

	if (!j)
		return NULL;
	j->head->id = j->head->durable_to = id;
	j->head->magic = MAGIC;
	return j;
}

/* It was written by a program like this one, but a wild pointer may have been its end. */
static bool is_whole(const struct journal *j)
{
	const struct half *half;
	uint32_t at = 0;

	if (j->head->magic != MAGIC || j->head->in_use > 1)
		return false;
	half = half_now(j);
	if (half->used > JOURNAL_HALF || half->done > half->used)
		return false;
	while (at < half->used) {
		const struct entry *e = entry_at(j, at);

		if (half->used - at < sizeof(*e) || e->size % 8 || e->size > half->used - at ||
		    e->size < sizeof(*e) || e->hdr.len > e->size - sizeof(*e) ||
		    wire_check(&e->hdr, e->payload))
			return false;
		at += e->size;
		if (at > half->done && at - e->size < half->done)
			return false;
	}
	return true;
}

struct journal *journal_adopt(int fd)
{
	struct journal *j = NULL;

	if (lseek(fd, 0, SEEK_END) == (off_t)REST_SIZE)
		j = map(fcntl(fd, F_DUPFD_CLOEXEC, 3));
	if (j && is_whole(j)) {
		j->facts = half_now(j)->first_fact + count_facts(j, 0, half_now(j)->used) +
			   j->head->missed_facts;
		return j;
	}
	journal_free(j);
	return NULL;
}

void journal_free(struct journal *j)
{
	if (!j)
		return;
	munmap(j->head, REST_SIZE);
	close(j->fd);
	free(j);
}

int journal_fd(const struct journal *j)
{
	return j->fd;
}

void *journal_notes(struct journal *j)
{
	return j->head->notes;
}

uint64_t journal_id(const struct journal *j)
{
	return j->head->id;
}

uint64_t journal_facts(const struct journal *j)
{
	return j->facts;
}

wire_ns journal_durable_to(const struct journal *j)
{
	return j->head->durable_to;
}

/* ---- frames */

static bool is_kept(unsigned type)
{
	switch (type) {
	case WIRE_EXEC:
	case WIRE_FORK:
	case WIRE_EXIT:
	case WIRE_FLOW:
	case WIRE_LOSS:
	case WIRE_CGROUP:
	case WIRE_WINDOW:
		return true;
	default:
		return false;
	}
}

/* Once something did not fit, nothing more does until all is durable: there must be no gap in between. */
static void miss(struct journal *j, const struct wire_hdr *hdr, const void *payload, bool fact)
{
	struct head *head = j->head;

	if (hdr->type == WIRE_WINDOW)
		head->missed_window = ((const struct wire_window *)payload)->to_ns;
	if (hdr->type == WIRE_FLOW)
		head->missed_bytes += ((const struct wire_flow *)payload)->sent_bytes +
				      ((const struct wire_flow *)payload)->received_bytes;
	head->missed_facts += fact;
	head->missed_records++;
}

void journal_add(struct journal *j, const struct wire_hdr *hdr, const void *head, size_t head_len,
		 const void *tail, size_t tail_len)
{
	size_t size = (sizeof(struct entry) + hdr->len + 7) & ~(size_t)7;
	struct half *half = half_now(j);
	struct entry *e;
	bool fact;

	if (!is_kept(hdr->type))
		return;
	fact = wire_is_fact(hdr->type, head);
	j->facts += fact;
	if (j->head->missed_records || size > JOURNAL_HALF - half->used) {
		miss(j, hdr, head, fact);
		return;
	}
	e = (struct entry *)(half_at(j, j->head->in_use) + half->used);
	e->size = size;
	e->ended = 0;
	e->hdr = *hdr;
	memcpy(e->payload, head, head_len);
	if (tail_len)
		memcpy(e->payload + head_len, tail, tail_len);
	__atomic_store_n(&half->used, half->used + size, __ATOMIC_RELEASE);
}

/* ---- who may yet have traffic */

/* A set of 64-bit hashes, each with the place that was put last. A collision keeps an image too long or
 * forgets one, whose traffic would then be a loss of the kind "image". */
struct set {
	uint64_t *hash; /* 0 = free */
	uint32_t *at;
	size_t size; /* a power of two */
};

static uint64_t hash_process(uint32_t tgid, uint64_t start_ns)
{
	uint64_t h = (start_ns ^ (uint64_t)tgid << 40) * 0x9e3779b97f4a7c15u;

	return (h ^ h >> 32) | 1;
}

static uint64_t hash_image(const struct wire_image_key *key)
{
	return (hash_process(key->tgid, key->start_ns) + (key->exec_id + 1ull) * 0xff51afd7ed558ccdu) | 1;
}

static size_t set_place(const struct set *set, uint64_t hash)
{
	size_t i = (hash >> 20) & (set->size - 1);

	while (set->hash[i] && set->hash[i] != hash)
		i = (i + 1) & (set->size - 1);
	return i;
}

static void set_put(struct set *set, uint64_t hash, uint32_t at)
{
	size_t i = set_place(set, hash);

	set->hash[i] = hash;
	set->at[i] = at;
}

/* Is this the record of an image that a flow may refer to? Others are described when they first use the
 * network. */
static bool is_who(const struct entry *e)
{
	const struct wire_exec *exec = (const void *)e->payload;

	return e->hdr.type == WIRE_EXEC && exec->source != WIRE_EXEC_EXECVE &&
	       !(exec->flags & WIRE_EXEC_KERNEL);
}

/* Which processes have ended, and where the last word about each image stands. */
static bool set_fill(const struct journal *j, struct set *set, uint32_t until)
{
	size_t n = 0;

	for (uint32_t at = 0; at < until; at += entry_at(j, at)->size)
		n += is_who(entry_at(j, at)) || entry_at(j, at)->hdr.type == WIRE_EXIT;
	for (set->size = 64; set->size < 2 * n; set->size *= 2)
		;
	set->hash = calloc(set->size, sizeof(*set->hash));
	set->at = calloc(set->size, sizeof(*set->at));
	if (!set->hash || !set->at)
		return false;
	for (uint32_t at = 0; at < until; at += entry_at(j, at)->size) {
		const struct entry *e = entry_at(j, at);
		const struct wire_exit *gone = (const void *)e->payload;

		if (is_who(e))
			set_put(set, hash_image(&((const struct wire_exec *)e->payload)->image), at);
		else if (e->hdr.type == WIRE_EXIT)
			set_put(set, hash_process(gone->tgid, gone->start_ns), at);
	}
	return true;
}

/* Copy the images that may yet have traffic: those of processes that live, and those that ended since the
 * last time, for sockets that are closed after their process. Bytes written. */
static uint32_t copy_who(const struct journal *j, const struct set *set, char *to, uint32_t until)
{
	uint32_t used = 0;

	for (uint32_t at = 0; at < until; at += entry_at(j, at)->size) {
		const struct entry *e = entry_at(j, at);
		const struct wire_image_key *key = &((const struct wire_exec *)e->payload)->image;
		struct entry *copy = (struct entry *)(to + used);

		if (!is_who(e) || e->ended || set->at[set_place(set, hash_image(key))] != at ||
		    used + e->size > JOURNAL_WHO)
			continue;
		memcpy(copy, e, e->size);
		copy->ended = !!set->hash[set_place(set, hash_process(key->tgid, key->start_ns))];
		used += e->size;
	}
	return used;
}

/* Begin the other half with what is still needed of this one. */
static void copy_rest(struct journal *j)
{
	unsigned other = !j->head->in_use;
	struct half *from = half_now(j), *to = &j->head->half[other];
	struct set set = {0};
	uint32_t rest = from->used - from->done;

	if (set_fill(j, &set, from->done)) {
		to->who = to->done = copy_who(j, &set, half_at(j, other), from->done);
		if (rest <= JOURNAL_HALF - to->done) {
			memcpy(half_at(j, other) + to->done, half_at(j, j->head->in_use) + from->done, rest);
			to->used = to->done + rest;
			to->first_fact = from->first_fact + count_facts(j, 0, from->done);
			__atomic_store_n(&j->head->in_use, other, __ATOMIC_SEQ_CST);
			fallocate(j->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				  HEAD_SIZE + !other * (off_t)JOURNAL_HALF, JOURNAL_HALF);
		}
	}
	free(set.hash);
	free(set.at);
}

/* ---- what is durable */

/* The numbers go on behind what did not fit. */
void journal_forget(struct journal *j)
{
	half_now(j)->done = half_now(j)->used;
	copy_rest(j);
	half_now(j)->first_fact = j->facts - count_facts(j, 0, half_now(j)->used);
	j->head->missed_window = j->head->missed_facts = j->head->missed_bytes = j->head->missed_records = 0;
}

void journal_durable(struct journal *j, wire_ns to_ns)
{
	struct half *half = half_now(j);

	if (j->head->missed_records && j->head->missed_window == to_ns) {
		j->head->durable_to = to_ns;
		journal_forget(j);
		return;
	}
	for (uint32_t at = half->done; at < half->used; at += entry_at(j, at)->size) {
		const struct entry *e = entry_at(j, at);

		if (e->hdr.type != WIRE_WINDOW || ((const struct wire_window *)e->payload)->to_ns != to_ns)
			continue;
		j->head->durable_to = to_ns;
		__atomic_store_n(&half->done, at + e->size, __ATOMIC_RELEASE);
		break;
	}
	if (half->done > half->who + COPY_AT)
		copy_rest(j);
}

/* ---- the next run */

uint64_t journal_first(const struct journal *j)
{
	return half_now(j)->first_fact + count_facts(j, 0, half_now(j)->done);
}

int journal_replay(const struct journal *j, journal_take *take, void *arg)
{
	const struct half *half = half_now(j);
	int rc = 0;

	for (uint32_t at = 0; at < half->used && rc == 0; at += entry_at(j, at)->size) {
		const struct entry *e = entry_at(j, at);

		if (at >= half->done || is_who(e))
			rc = take(arg, &e->hdr, e->payload);
	}
	return rc;
}

bool journal_missed(const struct journal *j, uint64_t *bytes)
{
	*bytes = j->head->missed_bytes;
	return j->head->missed_records > 0;
}
