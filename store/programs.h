/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * programs.h - the programs of this run in memory: executable, name and content, each once, shared by the
 * images that run it. Remembers what its row in snitch.db has still to learn. No I/O.
 *
 * A program lives while an image refers to it, and until programs_sweep() after its news were written. One
 * whose hash is pending lives until that comes, however long its process is gone: the hasher answers for
 * every file it promised, and promises no more than its cache holds.
 */
#ifndef FEMTOSNITCH_STORE_PROGRAMS_H
#define FEMTOSNITCH_STORE_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"

struct program {
	struct program *next;
	uint32_t hash;
	uint32_t refs;
	uint64_t file_id;   /* the hasher's, of the version last seen; 0 = none */
	uint8_t hash_error; /* enum wire_hash_error */
	uint8_t sha256[WIRE_SHA256_SIZE];
	bool self;		 /* a program of ours */
	bool fresh;		 /* used the network, and snitch.db was not yet asked whether that is new */
	bool running;		 /* ran before we did */
	bool looked;		 /* fresh, and asked about in this transaction */
	bool news;		 /* something below changed since it was written */
	char *exe;		 /* NULL = none */
	char *name;		 /* NULL = none */
	int64_t last_seen_s;	 /* 0 = not since it was written */
	int64_t first_network_s; /* 0 = not in this run */
	int64_t first_parent_s;	 /* of a program that used the network; 0 = not in this run */
	uint32_t uid;		 /* of whoever made it fresh */
	char *context;		 /* how it came to run, for people; NULL unless fresh */
	char *peer;		 /* whom it talks to, the same; NULL: not known yet */
	bool peer_claimed;	 /* that is what it said itself */
	char *child;		 /* which program it started, the same */
	int64_t modified_s;	 /* 0 = not since it was written */
	uint64_t ignored_bytes;	 /* not yet written */
	/* The row: owned by records.c */
	int64_t id;	   /* 0 = none known */
	uint8_t row_error; /* hash_error as the row has it */
	bool row_network;  /* the row has a first_network */
	int64_t row_last_seen_s;
};

struct programs;
struct programs *programs_new(void);   /* NULL: no memory */
void programs_free(struct programs *); /* every reference must have been given back */

/* The program of a checked image, with one reference for the caller. NULL: no memory. */
struct program *programs_intern(struct programs *, const struct wire_image *, const struct wire_exec *);
/* The same of its script, which is a program without a name of its own. It must have one. */
struct program *programs_intern_script(struct programs *, const struct wire_image *);
/* The same of one that another log tells of, in texts that are clean (text.h); NULL = unknown. sha256 NULL:
 * hash_error says why. */
struct program *programs_intern_told(struct programs *, const char *exe, const char *name,
				     const uint8_t sha256[WIRE_SHA256_SIZE], enum wire_hash_error);
struct program *program_ref(struct program *);
void program_unref(struct program *); /* NULL is fine; memory is freed by programs_sweep() */

/* The hash of a file came, or the reason why none will. Returns how many programs waited for it. */
size_t programs_digest(struct programs *, const struct wire_digest *);
void programs_changed(struct programs *, const struct wire_changed *);

/* It moved bytes, tried to, or was executed. */
void programs_used(struct programs *, struct program *, int64_t now_s, bool network);
void programs_ignored(struct programs *, struct program *, uint64_t bytes);

/* As programs_used() for the network, by a process of uid that was started by parent (NULL = unknown) with
 * cmdline (NULL = unknown). */
void programs_network(struct programs *, struct program *, struct program *parent, uint32_t uid,
		      const char *cmdline, int64_t now_s);

/* It asked for this name, or claims to talk to it. Only news has use for that: of several the first claim,
 * else the first that it asked for. */
void programs_named(struct program *, const char *domain, bool claimed);

size_t programs_fresh(const struct programs *); /* how many wait to be looked up, hash known */
bool program_waits(const struct program *);	/* is it one of them? */
void programs_looked_up(struct programs *, struct program *);
bool programs_have_news(const struct programs *);
void programs_written(struct programs *, struct program *);

/* Call fn for each; stops at the first non-zero and returns it. */
int programs_each(struct programs *, int (*fn)(void *arg, struct program *), void *arg);
void programs_sweep(struct programs *);	      /* free those nobody needs */
void programs_forget_rows(struct programs *); /* the transaction that gave them ids was undone */

#endif
