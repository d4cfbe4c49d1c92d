/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * journal.h - what was handed on and may not be durable yet, and what the next run must know, in memory that
 * somebody else holds too (memfd_create(2)). Whoever is killed, and whenever: the run that follows sends
 * again what the store did not get to write, and who the processes were that moved it.
 *
 * It sees each frame that goes out (frame_tee()) and keeps those that matter. When a window is durable, its
 * facts are done with; of its images those stay that may yet have traffic: a process that used the network,
 * until it ended.
 *
 * Bounds: JOURNAL_HALF bytes of frames, of which JOURNAL_WHO are images of windows past. What does not fit is
 * counted, and said should this run be killed: nothing is lost by it otherwise.
 */
#ifndef FEMTOSNITCH_JOURNAL_H
#define FEMTOSNITCH_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"

#define JOURNAL_HALF (8u << 20)
#define JOURNAL_WHO (1u << 20)
#define JOURNAL_NOTES 8192 /* bytes of notes */

struct journal;

struct journal *journal_new(uint64_t id); /* NULL: there is no memory */

/* That of the run before. The descriptor stays the caller's. NULL: it is none of ours. */
struct journal *journal_adopt(int fd);

int journal_fd(const struct journal *); /* to be held by others; still the journal's */
void journal_free(struct journal *);	/* its content stays while others hold it; NULL is fine */

void *journal_notes(struct journal *);		/* JOURNAL_NOTES bytes for its owner, zero at first */
uint64_t journal_id(const struct journal *);	/* which numbering of facts */
uint64_t journal_facts(const struct journal *); /* number of the next fact */

/* A frame goes out: its payload is head, then tail. */
void journal_add(struct journal *, const struct wire_hdr *, const void *head, size_t head_len,
		 const void *tail, size_t tail_len);

/* The window that ended at to_ns, and all before it, are durable. */
void journal_durable(struct journal *, wire_ns to_ns);
wire_ns journal_durable_to(const struct journal *); /* the last of them; at first, when the journal began */

/* Hand out what is kept, in order: images of windows past, then all that is not durable. *first is the number
 * of the first fact among it. Stops at the first non-zero, which is returned. */
typedef int journal_take(void *arg, const struct wire_hdr *, const void *payload);
uint64_t journal_first(const struct journal *);
int journal_replay(const struct journal *, journal_take *, void *arg);

/* Did anything not fit since all was durable last? *bytes: of its flows. */
bool journal_missed(const struct journal *, uint64_t *bytes);

/* Be done with all there is. */
void journal_forget(struct journal *);

#endif
