// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dpkg.c - see dpkg.h. The format is that of dpkg(1) and deb(5): a path per line, an MD5 and a path without
 * its first "/" per line, stanzas of fields.
 */
#include "hasher/dpkg.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hasher/held.h"
#include "hasher/line.h"
#include "hasher/wanted.h"

static const char manager[] = "dpkg";

/* Open var/lib/dpkg/NAME. */
static FILE *open_file(const char *root, const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/var/lib/dpkg/%s", root, name) >= (int)sizeof(path))
		return NULL;
	return fopen(path, "re");
}

/* stem: of the list, "PACKAGE" or "PACKAGE:ARCHITECTURE". */
static void read_list(FILE *file, const char *stem, const struct wanted *wanted, struct line *line)
{
	struct package_file *f;
	const char *text;

	if (strlen(stem) >= PACKAGES_TEXT)
		return;
	while ((text = line_next(file, line)) != NULL)
		for (f = wanted_find(wanted, text, NULL); f; f = wanted_find(wanted, text, f))
			wanted_own(f, manager, stem, "");
}

/* Every list there is. */
static void read_lists(const char *root, const struct wanted *wanted, struct line *line)
{
	char path[PATH_MAX], name[sizeof("info/") + NAME_MAX];
	struct dirent *entry;
	FILE *file;
	DIR *dir;
	char *end;

	snprintf(path, sizeof(path), "%s/var/lib/dpkg/info", root);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) != NULL) {
		end = strrchr(entry->d_name, '.');
		if (!end || strcmp(end, ".list"))
			continue;
		snprintf(name, sizeof(name), "info/%s", entry->d_name);
		file = open_file(root, name);
		if (!file)
			continue;
		*end = '\0';
		read_list(file, entry->d_name, wanted, line);
		fclose(file);
	}
	if (dir)
		closedir(dir);
}

/* "MD5  PATH" */
static void take_sum(const struct wanted *wanted, const struct package_file *of, const char *text)
{
	struct package_file *f;

	if (strlen(text) < 35 || text[32] != ' ')
		return;
	for (f = wanted_find(wanted, text + 34, NULL); f; f = wanted_find(wanted, text + 34, f))
		if (f == of)
			wanted_digest(f, PACKAGE_DIGEST_MD5, text);
}

/* The sum of a file whose name is still the stem of its list; then the name is the package's. */
static void read_sums(const char *root, const struct wanted *wanted, struct package_file *f,
		      struct line *line)
{
	char name[PACKAGES_TEXT + 32];
	const char *text;
	FILE *file;

	snprintf(name, sizeof(name), "info/%s.md5sums", f->name);
	file = open_file(root, name);
	f->name[strcspn(f->name, ":")] = '\0';
	if (!file)
		return;
	while ((text = line_next(file, line)) != NULL)
		take_sum(wanted, f, text);
	fclose(file);
}

static void read_versions(const char *root, struct package_file *files, struct line *line)
{
	FILE *file = open_file(root, "status");
	char package[PACKAGES_TEXT] = "";
	struct package_file *f;
	const char *text;

	while (file && (text = line_next(file, line)) != NULL) {
		if (!strncmp(text, "Package: ", 9))
			snprintf(package, sizeof(package), "%s", text + 9);
		if (strncmp(text, "Version: ", 9))
			continue;
		for (f = files; f; f = f->next)
			if (f->manager == manager && !strcmp(f->name, package))
				snprintf(f->version, sizeof(f->version), "%s", text + 9);
	}
	if (file)
		fclose(file);
}

void dpkg_find(const char *root, struct package_file *files)
{
	struct wanted *wanted = wanted_new(files);
	struct line *line = malloc(sizeof(*line));
	struct package_file *f;
	bool found = false;

	if (wanted && line)
		read_lists(root, wanted, line);
	for (f = files; wanted && line && f; f = f->next)
		if (f->manager == manager) {
			read_sums(root, wanted, f, line);
			found = true;
		}
	if (found)
		read_versions(root, files, line);
	free(line);
	wanted_free(wanted);
}

bool dpkg_works(const char *root)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/var/lib/dpkg/lock", root);
	return held_exclusively(path);
}
