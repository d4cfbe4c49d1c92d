/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cache.h - remembers the versions of files that were executed: their number (file_id), and their digest once
 * it is known. No I/O.
 *
 * A version is found by what stat says of an open fd, or by what an exec record says, and only while inode
 * number, size, ctime and mtime are those that were hashed. Bounded: at max versions the one unused for
 * longest is given up; versions whose digest is still being made stay. A pointer is valid until the next
 * cache_add().
 */
#ifndef FEMTOSNITCH_HASHER_CACHE_H
#define FEMTOSNITCH_HASHER_CACHE_H

#include <stdbool.h>

#include "bpf/wire.h"

#define CACHE_MAX 2048 /* 230 KB; what falls out is still in known.h, for a read of 4 KiB */

#define CACHE_UNCLAIMED_MAX 64

struct cache;

struct cache_file {
	__u64 file_id;	     /* 0 = nobody's */
	struct wire_file at; /* dev: stat's, 0 = not opened yet; generation: FS_IOC_GETVERSION, 0 = unknown */
	__u32 record_dev;    /* the superblock's, 0 = no exec record seen */
	__u32 record_generation;
	__u8 hash_error; /* enum wire_hash_error */
	bool findable;	 /* false: forgotten, only its number still answers */
	bool young;	 /* hashed too soon after its last change to be trusted for a later execution */
	bool tainted;	 /* modified while its digest was being made */
	bool announced;	 /* an image told its number downstream */
	bool promised;	 /* an image said that a digest will follow */
	bool packaged;	 /* it was asked which package brought it */
	__u8 unclaimed;	 /* events of it that no record asked for, up to CACHE_UNCLAIMED_MAX */
	__u8 sha256[WIRE_SHA256_SIZE]; /* valid when hash_error is WIRE_HASH_OK */
	__u16 next_stat, next_record, newer, older;
};

struct cache *cache_new(unsigned max); /* max <= CACHE_MAX; NULL: no memory */
void cache_free(struct cache *);       /* NULL is fine */

/* NULL: not known, or not in this version. */
struct cache_file *cache_by_stat(struct cache *, const struct wire_file *st);
struct cache_file *cache_by_record(struct cache *, const struct wire_file *record);
struct cache_file *cache_by_inode(struct cache *, const struct wire_file *st); /* in whatever version */
struct cache_file *cache_by_id(struct cache *, __u64 file_id);

/* A new version, WIRE_HASH_PENDING, found from now on by stat's answer or by the record's (the other may be
 * NULL). NULL: no memory, or every version is pending. */
struct cache_file *cache_add(struct cache *, const struct wire_file *st, const struct wire_file *record);

/* Later found by this stat's answer / this record too. */
void cache_set_stat(struct cache *, struct cache_file *, const struct wire_file *st);
void cache_set_record(struct cache *, struct cache_file *, const struct wire_file *record);

/* The end of pending. An error is not found again: the next execution tries anew. */
void cache_set_digest(struct cache *, struct cache_file *, unsigned hash_error, const __u8 *sha256);

/* Not found any more; its number still answers until its place is needed. */
void cache_forget(struct cache *, struct cache_file *);

/* Forget all that a filesystem held: its device number may get another owner. dev: the superblock's. */
void cache_forget_dev(struct cache *, __u32 dev);

/* All versions still pending, one after the other: start with file_id 0, NULL at the end. */
struct cache_file *cache_next_pending(struct cache *, __u64 after_file_id);

unsigned cache_pending(const struct cache *);
unsigned cache_count(const struct cache *); /* places in use */

#endif
