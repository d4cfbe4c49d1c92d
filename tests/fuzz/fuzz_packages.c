// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_packages.c - any bytes as a package database: the first says of which kind. What is answered is text
 * that ends, and a digest no longer than its place.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hasher/apk.h"
#include "hasher/dpkg.h"
#include "hasher/pacman.h"
#include "hasher/rpmdb/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char root[] = "/tmp/femtosnitch-fuzz-XXXXXX";

static void remove_root(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", root);
	if (system(command))
		perror(command);
}

static void make_root(void)
{
	char command[256];

	if (!mkdtemp(root))
		abort();
	atexit(remove_root);
	snprintf(command, sizeof(command),
		 "cd %s && mkdir -p var/lib/pacman/local/a-1 lib/apk/db var/lib/dpkg/info", root);
	if (system(command))
		abort();
}

static void put(const char *name, const void *bytes, size_t len)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	file = fopen(path, "w");
	if (!file || fwrite(bytes, 1, len, file) != len || fclose(file))
		abort();
}

static void look(void (*find)(const char *, struct package_file *))
{
	static const char path[] = "/usr/bin/x";
	struct package_file *f = calloc(1, sizeof(*f) + sizeof(path));

	memcpy(f->path, path, sizeof(path));
	find(root, f);
	if (!memchr(f->name, '\0', sizeof(f->name)) || !memchr(f->version, '\0', sizeof(f->version)) ||
	    f->digest_size > sizeof(f->digest) || (f->manager && !f->name[0]))
		abort();
	free(f);
}

static void look_in_header(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1); /* the byte behind it belongs to nobody */
	struct matches m = {0};

	memcpy(copy, data, size);
	match_add(&m, "/usr/bin/x");
	match_sort(&m);
	match_header(&m, NULL, copy, size);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char listed[] = "%FILES%\nusr/bin/x\n", names[] = "/usr/bin/x\n";
	static int made;

	if (!made++)
		make_root();
	if (!size)
		return 0;
	switch (data[0]) {
	case 'a':
		put("lib/apk/db/installed", data + 1, size - 1);
		look(apk_find);
		break;
	case 'd':
		put("var/lib/dpkg/info/a.list", names, sizeof(names) - 1);
		put("var/lib/dpkg/info/a.md5sums", data + 1, size - 1);
		put("var/lib/dpkg/status", data + 1, size - 1);
		look(dpkg_find);
		break;
	case 'p':
		put("var/lib/pacman/local/a-1/files", listed, sizeof(listed) - 1);
		put("var/lib/pacman/local/a-1/mtree", data + 1, size - 1);
		put("var/lib/pacman/local/a-1/desc", data + 1, size - 1);
		look(pacman_find);
		break;
	case 'f':
		put("var/lib/pacman/local/a-1/files", data + 1, size - 1);
		look(pacman_find);
		break;
	case 'r':
		look_in_header(data + 1, size - 1);
		break;
	default:
		break;
	}
	return 0;
}
