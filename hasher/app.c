// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * app.c - see app.h.
 */
#include "hasher/app.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define APPIMAGE_MOUNT "/.mount_" /* what its runtime calls the directory, then random letters */

/* The next component behind *path, of *len bytes; NULL at the end. */
static const char *next_part(const char **path, size_t *len)
{
	const char *part;

	*path += strspn(*path, "/");
	part = *path;
	*len = strcspn(part, "/");
	*path += *len;
	return *len ? part : NULL;
}

static bool begins(const char *text, size_t len, const char *with)
{
	return len >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

static bool ends(const char *text, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && memcmp(text + len - n, with, n) == 0;
}

/* KIND:NAME, if the name is made of such letters only and not longer than a file's. */
static bool put(char to[WIRE_APP_MAX], const char *kind, const char *name, size_t len, const char *letters)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && (!name[i] || !strchr(letters, name[i])))
			return false;
	if (len == 0 || len >= WIRE_PLACE_NAME_MAX)
		return false;
	snprintf(to, WIRE_APP_MAX, "%s:%.*s", kind, (int)len, name);
	return true;
}

static bool put_flatpak(char to[WIRE_APP_MAX], const char *id, size_t len)
{
	return memchr(id, '.', len) && put(to, "flatpak", id, len, "._-");
}

static bool put_snap(char to[WIRE_APP_MAX], const char *name, size_t len)
{
	return put(to, "snap", name, len, "_-");
}

/* app-flatpak-ID-INSTANCE.scope */
static bool flatpak_scope(char to[WIRE_APP_MAX], const char *part, size_t len)
{
	static const char before[] = "app-flatpak-", after[] = ".scope";

	if (!begins(part, len, before) || !ends(part, len, after))
		return false;
	part += sizeof(before) - 1;
	len -= sizeof(before) - 1 + sizeof(after) - 1;
	while (len > 0 && isdigit((unsigned char)part[len - 1]))
		len--;
	return len > 1 && part[len - 1] == '-' && put_flatpak(to, part, len - 1);
}

/* snap.NAME.APP.scope, .service, with a UUID behind APP: a name has no dot. */
static bool snap_unit(char to[WIRE_APP_MAX], const char *part, size_t len)
{
	const char *name = part + sizeof("snap.") - 1, *dot;

	if (!begins(part, len, "snap.") || !(ends(part, len, ".scope") || ends(part, len, ".service")))
		return false;
	dot = memchr(name, '.', len - (size_t)(name - part));
	return dot && put_snap(to, name, (size_t)(dot - name));
}

void app_of_cgroup(char to[WIRE_APP_MAX], const char *cgroup)
{
	const char *part;
	size_t len;

	to[0] = '\0';
	while (cgroup && (part = next_part(&cgroup, &len)))
		if (flatpak_scope(to, part, len) || snap_unit(to, part, len))
			return;
	to[0] = '\0';
}

/* /snap/NAME/REVISION/..., or below /var/lib/snapd */
static bool snap_path(char to[WIRE_APP_MAX], const char *path)
{
	const char *name, *revision;
	size_t len, revision_len;

	if (strncmp(path, "/var/lib/snapd/", 15) == 0)
		path += 14;
	if (strncmp(path, "/snap/", 6) != 0)
		return false;
	path += 6;
	name = next_part(&path, &len);
	revision = name ? next_part(&path, &revision_len) : NULL;
	return revision && (isdigit((unsigned char)revision[0]) || revision[0] == 'x') &&
	       put_snap(to, name, len);
}

/* /nix/store/HASH-NAME-VERSION/rest: a version begins with the first - before a digit. */
static bool nix_path(char to[WIRE_APP_MAX], const char *path)
{
	const char *name;
	size_t len, i;

	if (strncmp(path, "/nix/store/", 11) != 0 && strncmp(path, "/gnu/store/", 11) != 0)
		return false;
	path += 11;
	name = next_part(&path, &len);
	if (!name || len < 34 || name[32] != '-')
		return false;
	name += 33;
	len -= 33;
	for (i = 1; i + 1 < len; i++)
		if (name[i] == '-' && isdigit((unsigned char)name[i + 1]))
			len = i;
	if (!put(to, "nix", name, len, "+-._?=") || strlen(to) + strlen(path) >= WIRE_APP_MAX)
		return false;
	strcat(to, path);
	return true;
}

void app_of_path(char to[WIRE_APP_MAX], const char *exe)
{
	to[0] = '\0';
	if (!snap_path(to, exe) && !nix_path(to, exe))
		to[0] = '\0';
}

/* /var/lib/flatpak/app/ID/ARCH/BRANCH/COMMIT/files is mounted at /app. */
static bool flatpak_mount(char to[WIRE_APP_MAX], const struct mounts_line *m)
{
	const char *id, *root = m->root;
	size_t len;

	if (strcmp(m->point, "/app") != 0 || !(root = strstr(root, "/flatpak/app/")))
		return false;
	root += strlen("/flatpak/app/");
	id = next_part(&root, &len);
	return id && put_flatpak(to, id, len);
}

static bool is_architecture(const char *word, size_t len)
{
	static const char *const names[] = {"x86_64",  "x86-64", "amd64", "x64",   "i386",   "i686",
					    "aarch64", "arm64",	 "armhf", "linux", "linux64"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len && strncasecmp(word, names[i], len) == 0)
			return true;
	return false;
}

static bool is_version(const char *word, size_t len)
{
	return len > 0 &&
	       (isdigit((unsigned char)word[0]) ||
		(len > 1 && tolower((unsigned char)word[0]) == 'v' && isdigit((unsigned char)word[1])));
}

/* Foo-1.2.3-x86_64.AppImage: up to the first word, behind - or _, that is a version or an architecture. */
static size_t appimage_name(const char *file, size_t len)
{
	size_t at, end;

	if (len > 9 && strncasecmp(file + len - 9, ".AppImage", 9) == 0)
		len -= 9;
	for (at = 1; at < len; at++) {
		if (file[at] != '-' && file[at] != '_' && file[at] != ' ')
			continue;
		for (end = at + 1; end < len && file[end] != '-' && file[end] != ' '; end++)
			;
		if (is_version(file + at + 1, end - at - 1) || is_architecture(file + at + 1, end - at - 1))
			return at;
	}
	return len;
}

/* The mount's source is the name of the AppImage, which a FUSE server of its own serves. */
static bool appimage_mount(char to[WIRE_APP_MAX], const struct mounts_line *m)
{
	const char *slash = strrchr(m->source, '/'), *file = slash ? slash + 1 : m->source;

	if (!strstr(m->point, APPIMAGE_MOUNT) || strncmp(m->fstype, "fuse", 4) != 0)
		return false;
	return put(to, "appimage", file, appimage_name(file, strlen(file)), "._-+ ");
}

static bool snap_mount(char to[WIRE_APP_MAX], const struct mounts_line *m)
{
	return (strcmp(m->fstype, "squashfs") == 0 || strncmp(m->fstype, "fuse.s", 6) == 0) &&
	       snap_path(to, m->point);
}

void app_of_mount(char to[WIRE_APP_MAX], const struct mounts_line *m)
{
	to[0] = '\0';
	if (!flatpak_mount(to, m) && !appimage_mount(to, m) && !snap_mount(to, m))
		to[0] = '\0';
}

bool app_asks_mounts(const char *cgroup, const char *exe)
{
	return (cgroup && strstr(cgroup, "/app-flatpak-")) || strncmp(exe, "/app/", 5) == 0 ||
	       strncmp(exe, "/snap/", 6) == 0 || strncmp(exe, "/var/lib/snapd/snap/", 20) == 0 ||
	       strstr(exe, APPIMAGE_MOUNT);
}

bool app_is_its_mount(const struct mounts_line *m, __u32 dev)
{
	return strcmp(m->point, "/app") == 0 ||
	       (m->dev == dev && (strstr(m->point, APPIMAGE_MOUNT) || strstr(m->point, "/snap/")));
}
