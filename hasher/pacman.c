// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pacman.c - see pacman.h. desc and files: "%SECTION%", then a line per value, then an empty one. mtree:
 * mtree(5), compressed: "./usr/bin/x mode=755 ... sha256digest=HEX", with anything but plain characters in a
 * path as \OOO.
 */
#include "hasher/pacman.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "hasher/line.h"
#include "hasher/wanted.h"

/* The largest packages have some 100,000 files of 200 bytes; a few bytes may claim to be gigabytes. */
#define MTREE_MAX_BYTES (64 << 20)
#define INFLATE_BYTES 8192

static const char manager[] = "pacman";

/* NAME of the package in directory dir; -1: none. */
static int open_fd(int dir, const char *package, const char *name)
{
	char path[NAME_MAX + 16];

	if (snprintf(path, sizeof(path), "%s/%s", package, name) >= (int)sizeof(path))
		return -1;
	return openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static FILE *open_file(int dir, const char *package, const char *name)
{
	int fd = open_fd(dir, package, name);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (fd >= 0 && !file)
		close(fd);
	return file;
}

/* The paths of "%FILES%". How many of them are wanted; they own the package's directory until desc is read.
 */
static unsigned read_files(FILE *file, const char *package, const struct wanted *wanted, struct line *line)
{
	bool inside = false;
	struct package_file *f;
	const char *text;
	unsigned n = 0;

	while ((text = line_next(file, line)) != NULL) {
		if (!inside || !text[0])
			inside = !strcmp(text, "%FILES%");
		else
			for (f = wanted_find(wanted, text, NULL); f; f = wanted_find(wanted, text, f)) {
				n += !f->manager;
				wanted_own(f, manager, package, "");
			}
	}
	return n;
}

/* \OOO in place. */
static void unescape(char *text)
{
	char *to = text;
	int n;

	for (; *text; text += n, to++) {
		n = 1;
		*to = *text;
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' && text[2] <= '7' &&
		    text[3] >= '0' && text[3] <= '7') {
			*to = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
			n = 4;
		}
	}
	*to = '\0';
}

static void take_entry(char *text, const char *package, const struct wanted *wanted)
{
	char *rest = strchr(text, ' ');
	struct package_file *f;
	const char *hex;

	if (!rest || text[0] != '.' || text[1] != '/')
		return;
	*rest++ = '\0';
	unescape(text);
	f = wanted_find(wanted, text + 1, NULL);
	if (!f)
		return;
	hex = strstr(rest, "sha256digest=");
	for (; f && hex; f = wanted_find(wanted, text + 1, f))
		if (f->manager == manager && !strcmp(f->name, package))
			wanted_digest(f, PACKAGE_DIGEST_SHA256, hex + strlen("sha256digest="));
}

/* Owns fd. */
static void read_mtree(int fd, const char *package, const struct wanted *wanted, struct line *line)
{
	gzFile file = gzdopen(fd, "r");
	size_t total = 0;
	bool cut = false;

	if (!file) {
		close(fd);
		return;
	}
	gzbuffer(file, INFLATE_BYTES);
	while (total < MTREE_MAX_BYTES && gzgets(file, line->text, sizeof(line->text))) {
		size_t len = strlen(line->text);
		bool whole = len && line->text[len - 1] == '\n';

		total += len + 1;
		if (whole)
			line->text[len - 1] = '\0';
		if (!cut)
			take_entry(line->text, package, wanted);
		cut = !whole;
	}
	gzclose(file);
}

static void read_desc(FILE *file, const char *package, struct package_file *files, struct line *line)
{
	char name[PACKAGES_TEXT] = "", version[PACKAGES_TEXT] = "", *value = NULL;
	struct package_file *f;
	const char *text;

	while ((text = line_next(file, line)) != NULL) {
		if (value)
			snprintf(value, PACKAGES_TEXT, "%s", text);
		value = !strcmp(text, "%NAME%") ? name : !strcmp(text, "%VERSION%") ? version : NULL;
	}
	for (f = files; f; f = f->next) {
		if (f->manager != manager || strcmp(f->name, package) != 0)
			continue;
		snprintf(f->version, sizeof(f->version), "%s", version);
		if (name[0])
			snprintf(f->name, sizeof(f->name), "%s", name);
	}
}

static void read_package(int dir, const char *package, const struct wanted *wanted,
			 struct package_file *files, struct line *line)
{
	FILE *file = open_file(dir, package, "files");
	unsigned n = 0;
	int fd;

	if (file) {
		n = read_files(file, package, wanted, line);
		fclose(file);
	}
	if (!n)
		return;
	fd = open_fd(dir, package, "mtree");
	if (fd >= 0)
		read_mtree(fd, package, wanted, line);
	file = open_file(dir, package, "desc");
	if (file) {
		read_desc(file, package, files, line);
		fclose(file);
	}
}

void pacman_find(const char *root, struct package_file *files)
{
	struct wanted *wanted = wanted_new(files);
	struct line *line = malloc(sizeof(*line));
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir = NULL;

	if (wanted && line &&
	    snprintf(path, sizeof(path), "%s/var/lib/pacman/local", root) < (int)sizeof(path))
		dir = opendir(path);
	while (dir && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' && strlen(entry->d_name) < PACKAGES_TEXT)
			read_package(dirfd(dir), entry->d_name, wanted, files, line);
	if (dir)
		closedir(dir);
	free(line);
	wanted_free(wanted);
}

bool pacman_works(const char *root)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/var/lib/pacman/db.lck", root) < (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}
