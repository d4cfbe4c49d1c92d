/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mounts.h - reads mountinfo: which filesystems there are, which of them can hold programs, which may not
 * answer; and the table of those already met. Opens nothing but mountinfo itself.
 */
#ifndef FEMTOSNITCH_HASHER_MOUNTS_H
#define FEMTOSNITCH_HASHER_MOUNTS_H

#include <stdbool.h>

#include "bpf/wire.h"
#include "hasher/distance.h"

#define MOUNTS_MAX 4096 /* filesystems; past that the ones met longest ago are forgotten and met anew */

enum mounts_class {
	MOUNTS_LOCAL,  /* answers by itself */
	MOUNTS_REMOTE, /* a server on the network, or the host of a virtual machine */
	MOUNTS_USER,   /* FUSE: any user may be the one who does not answer */
	MOUNTS_PSEUDO, /* cannot hold programs, or must not be touched (autofs) */
};

enum mounts_state {
	MOUNTS_NEW, /* not watched (yet) */
	MOUNTS_WATCHED,
	MOUNTS_FAILED,	 /* said as a loss */
	MOUNTS_UNWATCHED /* on purpose: hashed through /proc only */
};

struct mounts_line {
	__u32 mount_id;
	__u32 dev;	   /* as in struct wire_file */
	const char *root;  /* what of the filesystem is mounted; escapes undone, as in all of these */
	const char *point; /* as the reading process sees it */
	const char *fstype;
	const char *source;
};

/* One filesystem. */
struct mounts_fs {
	__u32 dev;
	__u8 class;    /* enum mounts_class */
	__u8 state;    /* enum mounts_state */
	bool ours;     /* mounted where we live: goes away with its last mount */
	__u8 distance; /* enum distance: the least that anybody who sees it speaks for */
	bool seen;     /* by the scan that runs now */
	__u16 asked;   /* marks on their way */
	int error;     /* of the last mark that failed, 0 = none */
	__u64 asked_ms;
};

struct mounts;

/* Take a line of mountinfo apart, in place. 0, or -EINVAL. */
int mounts_parse(char *line, struct mounts_line *);
enum mounts_class mounts_classify(const char *fstype);

struct mounts *mounts_new(void);   /* NULL: no memory */
void mounts_free(struct mounts *); /* NULL is fine */

/* NULL: not met. Valid until the next mounts_put(). */
struct mounts_fs *mounts_get(struct mounts *, __u32 dev);
struct mounts_fs *mounts_put(struct mounts *, __u32 dev); /* finds or adds; NULL: no memory */

unsigned mounts_watched(const struct mounts *); /* how many are */

/* Call found() for each line of file (/proc/self/mountinfo, /proc/PID/mountinfo). 0 or -errno. */
int mounts_read(const char *file, void (*found)(void *arg, const struct mounts_line *), void *arg);

/* Around a mounts_read() of our own mountinfo, whose found() sets seen: gone() hears of filesystems of ours
 * that are not mounted any more; they are forgotten. */
void mounts_scan_begin(struct mounts *);
void mounts_scan_end(struct mounts *, void (*gone)(void *arg, __u32 dev), void *arg);

#endif
