// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dpkg.c - see dpkg.h. The format is that of dpkg(1) and deb(5): a path per line, an MD5 and a path without
 * its first "/" per line, stanzas of fields.
 */
#include "hasher/dpkg.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOTS 512 /* of a path and its other name each, half full at most */

static_assert(SLOTS >= 4 * DPKG_FILES_MAX, "half full at most");

/* A path that is looked for. */
struct wanted {
	const char *path;
	struct package_file *file;
	unsigned hash;
};

static unsigned hash_of(const char *text)
{
	unsigned h = 2166136261u;

	while (*text)
		h = (h ^ (unsigned char)*text++) * 16777619u;
	return h;
}

static void want(struct wanted *table, const char *path, struct package_file *f)
{
	unsigned hash = hash_of(path), i = hash % SLOTS;

	while (table[i].path)
		i = (i + 1) % SLOTS;
	table[i] = (struct wanted){.path = path, .file = f, .hash = hash};
}

/* Where /bin is a link to /usr/bin, packages may still say /bin. */
static const char *other_name(const char *path)
{
	static const char *const tops[] = {"/usr/bin/", "/usr/sbin/", "/usr/lib"};
	size_t i;

	for (i = 0; i < sizeof(tops) / sizeof(tops[0]); i++)
		if (!strncmp(path, tops[i], strlen(tops[i])))
			return path + strlen("/usr");
	return NULL;
}

/* Open var/lib/dpkg/NAME. */
static FILE *open_file(const char *root, const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/var/lib/dpkg/%s", root, name) >= (int)sizeof(path))
		return NULL;
	return fopen(path, "re");
}

struct line {
	char *text;
	size_t size;
};

/* The next line without its end; NULL: none. */
static char *next_line(FILE *file, struct line *line)
{
	ssize_t n = getline(&line->text, &line->size, file);

	if (n <= 0)
		return NULL;
	if (line->text[n - 1] == '\n')
		line->text[n - 1] = '\0';
	return line->text;
}

/* stem: of the list, "PACKAGE" or "PACKAGE:ARCHITECTURE". */
static void own(struct package_file *f, const char *stem)
{
	if (f->name[0])
		return; /* more than one package: diverted, or shared; the first that says so */
	if (strlen(stem) >= sizeof(f->name))
		return;
	f->manager = "dpkg";
	strcpy(f->name, stem);
}

static void read_list(FILE *file, const char *stem, struct wanted *table, struct line *line)
{
	const char *text;
	unsigned hash, i;

	while ((text = next_line(file, line)) != NULL) {
		hash = hash_of(text);
		for (i = hash % SLOTS; table[i].path; i = (i + 1) % SLOTS)
			if (table[i].hash == hash && !strcmp(table[i].path, text))
				own(table[i].file, stem);
	}
}

/* Every list there is. */
static void read_lists(const char *root, struct wanted *table, struct line *line)
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
		read_list(file, entry->d_name, table, line);
		fclose(file);
	}
	if (dir)
		closedir(dir);
}

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "MD5  PATH" */
static void take_sum(struct package_file *f, const char *text)
{
	const char *other = other_name(f->path);
	unsigned i;

	if (strlen(text) < 35 || text[32] != ' ' ||
	    (strcmp(text + 34, f->path + 1) && (!other || strcmp(text + 34, other + 1))))
		return;
	for (i = 0; i < 16; i++) {
		int high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return;
		f->digest[i] = (__u8)(high << 4 | low);
	}
	f->digest_size = 16;
}

/* The sum of a file whose name is still the stem of its list; then the name is the package's. */
static void read_sums(const char *root, struct package_file *f, struct line *line)
{
	char name[PACKAGES_TEXT + 32];
	const char *text;
	FILE *file;

	snprintf(name, sizeof(name), "info/%s.md5sums", f->name);
	file = open_file(root, name);
	f->name[strcspn(f->name, ":")] = '\0';
	if (!file)
		return;
	while ((text = next_line(file, line)) != NULL)
		take_sum(f, text);
	fclose(file);
}

static void read_versions(const char *root, struct package_file *files, struct line *line)
{
	FILE *file = open_file(root, "status");
	char package[PACKAGES_TEXT] = "";
	struct package_file *f;
	const char *text;

	while (file && (text = next_line(file, line)) != NULL) {
		if (!strncmp(text, "Package: ", 9))
			snprintf(package, sizeof(package), "%s", text + 9);
		if (strncmp(text, "Version: ", 9))
			continue;
		for (f = files; f; f = f->next)
			if (f->manager && !strcmp(f->name, package))
				snprintf(f->version, sizeof(f->version), "%s", text + 9);
	}
	if (file)
		fclose(file);
}

void dpkg_find(const char *root, struct package_file *files)
{
	struct wanted *table = calloc(SLOTS, sizeof(*table));
	struct line line = {0};
	struct package_file *f;
	bool found = false;

	if (!table)
		return;
	for (f = files; f; f = f->next) {
		f->manager = NULL;
		f->name[0] = f->version[0] = '\0';
		f->digest_size = 0;
		want(table, f->path, f);
		if (other_name(f->path))
			want(table, other_name(f->path), f);
	}
	read_lists(root, table, &line);
	for (f = files; f; f = f->next)
		if (f->manager) {
			read_sums(root, f, &line);
			found = true;
		}
	if (found)
		read_versions(root, files, &line);
	free(line.text);
	free(table);
}

bool dpkg_works(const char *root)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[PATH_MAX];
	bool works;
	int fd;

	snprintf(path, sizeof(path), "%s/var/lib/dpkg/lock", root);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	works = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	close(fd);
	return works;
}
