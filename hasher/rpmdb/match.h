/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * match.h - which of the paths that are asked for a package brought, and what its header says of them.
 */
#ifndef FEMTOSNITCH_HASHER_RPMDB_MATCH_H
#define FEMTOSNITCH_HASHER_RPMDB_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#define MATCH_MAX 128	    /* paths */
#define MATCH_TEXT 128	    /* of a name or a version with its NUL; longer ones are cut */
#define MATCH_DIGEST_HEX 65 /* a SHA-256 and a NUL */

struct match {
	const char *path, *base; /* absolute; base: behind its last "/" */
	bool found;
	char name[MATCH_TEXT], version[MATCH_TEXT]; /* "EPOCH:VERSION-RELEASE" */
	char digest[MATCH_DIGEST_HEX]; /* hex: MD5, SHA-1 or SHA-256 by its length; "" = none, or another */
};

struct matches {
	struct match match[MATCH_MAX]; /* by base name */
	size_t n;
};

/* Takes the path over as a borrowed one. False: it is not absolute, or there are too many. */
bool match_add(struct matches *, const char *path);
void match_sort(struct matches *); /* after the last path */

/* Those of base name base (NULL: all) that nobody brought so far: did the package with this header? Bytes
 * that are no header bring nothing. */
void match_header(struct matches *, const char *base, const void *bytes, size_t len);

#endif
