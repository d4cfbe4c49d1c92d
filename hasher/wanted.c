// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * wanted.c - owns the table: open addressing, at most half full.
 */
#include "hasher/wanted.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 512 /* of a path and its other name each */

static_assert(SLOTS >= 4 * WANTED_MAX, "half full at most");

struct slot {
	const char *path; /* without the first "/" */
	struct package_file *file;
	unsigned hash;
};

struct wanted {
	struct slot slot[SLOTS];
};

static unsigned hash_of(const char *text)
{
	unsigned h = 2166136261u;

	while (*text)
		h = (h ^ (unsigned char)*text++) * 16777619u;
	return h;
}

static void add(struct wanted *w, const char *path, struct package_file *f)
{
	unsigned hash = hash_of(path), i = hash % SLOTS;

	while (w->slot[i].path)
		i = (i + 1) % SLOTS;
	w->slot[i] = (struct slot){.path = path, .file = f, .hash = hash};
}

static const char *other_name(const char *path)
{
	static const char *const tops[] = {"usr/bin/", "usr/sbin/", "usr/lib"};
	size_t i;

	for (i = 0; i < sizeof(tops) / sizeof(tops[0]); i++)
		if (!strncmp(path, tops[i], strlen(tops[i])))
			return path + strlen("usr/");
	return NULL;
}

struct wanted *wanted_new(struct package_file *files)
{
	struct wanted *w = calloc(1, sizeof(*w));
	struct package_file *f;
	unsigned n = 0;

	for (f = files; w && f && n < WANTED_MAX; f = f->next, n++) {
		if (f->manager || f->path[0] != '/')
			continue;
		add(w, f->path + 1, f);
		if (other_name(f->path + 1))
			add(w, other_name(f->path + 1), f);
	}
	return w;
}

void wanted_free(struct wanted *w)
{
	free(w);
}

struct package_file *wanted_find(const struct wanted *w, const char *path, const struct package_file *after)
{
	unsigned hash, i;

	while (*path == '/')
		path++;
	hash = hash_of(path);
	for (i = hash % SLOTS; w->slot[i].path; i = (i + 1) % SLOTS) {
		if (w->slot[i].hash != hash || strcmp(w->slot[i].path, path) != 0)
			continue;
		if (!after)
			return w->slot[i].file;
		if (w->slot[i].file == after)
			after = NULL;
	}
	return NULL;
}

void wanted_own(struct package_file *f, const char *manager, const char *name, const char *version)
{
	if (f->manager || !name[0])
		return;
	f->manager = manager;
	snprintf(f->name, sizeof(f->name), "%s", name);
	snprintf(f->version, sizeof(f->version), "%s", version);
}

static int nibble(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

void wanted_digest(struct package_file *f, enum package_digest kind, const char *hex)
{
	static const unsigned sizes[] = {
		[PACKAGE_DIGEST_MD5] = 16, [PACKAGE_DIGEST_SHA1] = 20, [PACKAGE_DIGEST_SHA256] = 32};
	__u8 digest[sizeof(f->digest)];
	unsigned i, size = sizes[kind];

	for (i = 0; i < size; i++) {
		int high = nibble(hex[2 * i]), low = high < 0 ? -1 : nibble(hex[2 * i + 1]);

		if (low < 0)
			return;
		digest[i] = (__u8)(high << 4 | low);
	}
	if (nibble(hex[2 * size]) >= 0)
		return;
	memcpy(f->digest, digest, size);
	f->digest_size = (__u8)size;
	f->digest_kind = (__u8)kind;
}
