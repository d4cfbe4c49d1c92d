// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * match.c - see match.h. A package names its files by parallel lists: base names, for each the number of a
 * directory, and digests; and the directories. Where directories were merged (/usr/sbin with /usr/bin), a
 * package may still name the one that is a link now.
 */
#include "hasher/rpmdb/match.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hasher/rpmdb/header.h"

bool match_add(struct matches *m, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (path[0] != '/' || !slash || !slash[1] || m->n == MATCH_MAX)
		return false;
	m->match[m->n++] = (struct match){.path = path, .base = slash + 1};
	return true;
}

static int by_base(const void *a, const void *b)
{
	return strcmp(((const struct match *)a)->base, ((const struct match *)b)->base);
}

void match_sort(struct matches *m)
{
	qsort(m->match, m->n, sizeof(m->match[0]), by_base);
}

/* The first with this base name, NULL: none. */
static struct match *find(struct matches *m, const char *base)
{
	const struct match key = {.base = base};
	struct match *found = bsearch(&key, m->match, m->n, sizeof(key), by_base);

	while (found && found > m->match && strcmp(found[-1].base, base) == 0)
		found--;
	return found;
}

/* dir ends in "/". */
static bool in_directory(const struct match *match, const char *dir)
{
	size_t len = (size_t)(match->base - match->path);
	char real[PATH_MAX];

	if (strlen(dir) == len && strncmp(match->path, dir, len) == 0)
		return true;
	if (!realpath(dir, real))
		return false;
	return strlen(real) == len - 1 && strncmp(match->path, real, len - 1) == 0;
}

static const char *directory(const struct header *h, uint32_t index)
{
	struct header_list dirs = header_strings(h, HEADER_DIR_NAMES);
	const char *dir = NULL;

	do
		dir = header_next_string(&dirs);
	while (dir && index--);
	return dir;
}

static const char *string(const struct header *h, uint32_t tag)
{
	struct header_list list = header_strings(h, tag);
	const char *text = header_next_string(&list);

	return text ? text : "";
}

/* An algorithm that has the length of another one must not be taken for it (rpmcrypto.h: 1 MD5, 2 SHA-1,
 * 8 SHA-256). */
static bool digest_known(const struct header *h)
{
	struct header_list list = header_numbers(h, HEADER_DIGEST_ALGORITHM);
	uint32_t algorithm;

	return !header_next_number(&list, &algorithm) || algorithm == 1 || algorithm == 2 || algorithm == 8;
}

static void describe(struct match *match, const struct header *h, const char *digest)
{
	struct header_list list = header_numbers(h, HEADER_EPOCH);
	char epoch[16] = "";
	uint32_t number;

	if (header_next_number(&list, &number) && number)
		snprintf(epoch, sizeof(epoch), "%u:", number);
	snprintf(match->name, sizeof(match->name), "%s", string(h, HEADER_NAME));
	snprintf(match->version, sizeof(match->version), "%s%.48s-%.48s", epoch, string(h, HEADER_VERSION),
		 string(h, HEADER_RELEASE));
	if (digest && digest_known(h) && strlen(digest) < sizeof(match->digest))
		strcpy(match->digest, digest);
	match->found = true;
}

/* A file of the package has a base name that is asked for. */
static void try(struct matches *m, const struct header *h, const char *base, uint32_t dir_index,
		const char *digest)
{
	struct match *match = find(m, base), *end = m->match + m->n;
	const char *dir = match ? directory(h, dir_index) : NULL;

	for (; dir && match < end && strcmp(match->base, base) == 0; match++)
		if (!match->found && in_directory(match, dir))
			describe(match, h, digest);
}

void match_header(struct matches *m, const char *base, const void *bytes, size_t len)
{
	struct header_list bases, indexes, digests;
	const char *name, *digest;
	struct header h;
	uint32_t index;

	if (header_open(&h, bytes, len))
		return;
	bases = header_strings(&h, HEADER_BASE_NAMES);
	indexes = header_numbers(&h, HEADER_DIR_INDEXES);
	digests = header_strings(&h, HEADER_FILE_DIGESTS);
	while ((name = header_next_string(&bases)) != NULL && header_next_number(&indexes, &index)) {
		digest = header_next_string(&digests);
		if (!base || strcmp(name, base) == 0)
			try(m, &h, name, index, digest);
	}
}
