/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packages.h - which package brought an executable, and whether the package manager's database knows its
 * bytes. Asked are all package managers whose database is there: dpkg, rpm, pacman, apk. Read from the
 * database's files, in a thread at low priority; no tool of the package manager is run.
 *
 * Questions are gathered for up to a second and answered together, because one look at the database costs the
 * same for one path as for a hundred. An answer "these are not the package's bytes" waits while the package
 * manager works: it replaces files first and says so afterwards.
 *
 * Bound: PACKAGES_WAIT_MAX questions; the next is answered at once with "unknown".
 */
#ifndef FEMTOSNITCH_HASHER_PACKAGES_H
#define FEMTOSNITCH_HASHER_PACKAGES_H

#include <stdbool.h>

#include "bpf/wire.h"

#define PACKAGES_WAIT_MAX 1024
#define PACKAGES_TEXT 128

/* What a database says of the bytes of a file. */
enum package_digest {
	PACKAGE_DIGEST_NONE,
	PACKAGE_DIGEST_MD5,
	PACKAGE_DIGEST_SHA1,
	PACKAGE_DIGEST_SHA256
};

/* One question, and its answer. */
struct package_file {
	struct package_file *next;
	__u64 file_id;
	struct wire_file file; /* as it was executed; dev means nothing */
	__u8 explained;	       /* enum wire_explained */
	__u8 digest_kind;      /* enum package_digest */
	__u8 digest_size;      /* bytes of it that are known */
	__u8 digest[32];
	const char *manager;	     /* NULL: nobody owns the path */
	char name[PACKAGES_TEXT];    /* of the package */
	char version[PACKAGES_TEXT]; /* "" = unknown */
	char path[];
};

struct packages;

struct packages *packages_new(void); /* NULL: errno says why */
void packages_free(struct packages *);

/* 0, or -errno: it will not be answered. */
int packages_ask(struct packages *, __u64 file_id, const struct wire_file *, const char *path);

int packages_fd(const struct packages *); /* readable: answers */

/* The next answer, the caller's to free with free(); NULL: none. */
struct package_file *packages_answer(struct packages *);

void packages_check(struct packages *); /* once a second or so */
bool packages_busy(const struct packages *);

/* A path that no package of the system brings: not worth a look. */
bool packages_foreign(const char *path);

#endif
