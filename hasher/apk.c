// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * apk.c - see apk.h. A paragraph per package, of lines "LETTER:VALUE": P its name, V its version, F a
 * directory, R a file in it, Z the digest of that file: "Q1" and the SHA-1, or "Q2" and the first 20 bytes of
 * the SHA-256, in base64 (apk-v2(5), apk-tools 3).
 */
#include "hasher/apk.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "hasher/held.h"
#include "hasher/line.h"
#include "hasher/wanted.h"

#define DIGEST_BYTES 20

static const char manager[] = "apk";

struct paragraph {
	char name[PACKAGES_TEXT], version[PACKAGES_TEXT];
	char directory[PATH_MAX], path[PATH_MAX + LINE_MAX_BYTES];
};

static int sextet(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* 27 digits and an end: 20 bytes. */
static bool decode(const char *text, __u8 *to)
{
	unsigned i, bits = 0, n = 0, held = 0;

	for (i = 0; n < DIGEST_BYTES; i++) {
		int six = sextet(text[i]);

		if (six < 0)
			return false;
		held = held << 6 | (unsigned)six;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			to[n++] = (__u8)(held >> bits);
		}
	}
	return sextet(text[i]) < 0;
}

static void take_digest(const struct wanted *wanted, const struct paragraph *p, const char *text)
{
	struct package_file *f = wanted_find(wanted, p->path, NULL);
	__u8 digest[DIGEST_BYTES];

	if (!f || text[0] != 'Q' || (text[1] != '1' && text[1] != '2') || !decode(text + 2, digest))
		return;
	for (; f; f = wanted_find(wanted, p->path, f)) {
		if (f->manager != manager || strcmp(f->name, p->name) != 0)
			continue;
		memcpy(f->digest, digest, sizeof(digest));
		f->digest_size = sizeof(digest);
		f->digest_kind = text[1] == '1' ? PACKAGE_DIGEST_SHA1 : PACKAGE_DIGEST_SHA256;
	}
}

static void take_line(const struct wanted *wanted, struct paragraph *p, const char *text)
{
	struct package_file *f;

	if (!text[0])
		p->name[0] = p->version[0] = p->directory[0] = p->path[0] = '\0';
	if (!text[0] || text[1] != ':')
		return;
	switch (text[0]) {
	case 'P':
		snprintf(p->name, sizeof(p->name), "%s", text + 2);
		break;
	case 'V':
		snprintf(p->version, sizeof(p->version), "%s", text + 2);
		break;
	case 'F':
		snprintf(p->directory, sizeof(p->directory), "%s", text + 2);
		p->path[0] = '\0';
		break;
	case 'R':
		snprintf(p->path, sizeof(p->path), "%s/%s", p->directory, text + 2);
		for (f = wanted_find(wanted, p->path, NULL); f; f = wanted_find(wanted, p->path, f))
			wanted_own(f, manager, p->name, p->version);
		break;
	case 'Z':
		take_digest(wanted, p, text + 2);
		break;
	default:
		break;
	}
}

static void read_installed(const char *path, const struct wanted *wanted, struct paragraph *p,
			   struct line *line)
{
	FILE *file = fopen(path, "re");
	const char *text;

	if (!file)
		return;
	*p = (struct paragraph){0};
	while ((text = line_next(file, line)) != NULL)
		take_line(wanted, p, text);
	fclose(file);
}

void apk_find(const char *root, struct package_file *files)
{
	static const char *const names[] = {"lib/apk/db/installed", "usr/lib/apk/db/installed"};
	struct paragraph *p = malloc(sizeof(*p));
	struct line *line = malloc(sizeof(*line));
	struct wanted *wanted = wanted_new(files);
	char path[PATH_MAX];
	size_t i;

	for (i = 0; p && line && wanted && i < sizeof(names) / sizeof(names[0]); i++)
		if (snprintf(path, sizeof(path), "%s/%s", root, names[i]) < (int)sizeof(path))
			read_installed(path, wanted, p, line);
	free(p);
	free(line);
	wanted_free(wanted);
}

bool apk_works(const char *root)
{
	static const char *const names[] = {"run/apk/db.lock", "lib/apk/db/lock", "usr/lib/apk/db/lock"};
	char path[PATH_MAX];
	bool works = false;
	size_t i;

	for (i = 0; !works && i < sizeof(names) / sizeof(names[0]); i++)
		works = snprintf(path, sizeof(path), "%s/%s", root, names[i]) < (int)sizeof(path) &&
			held_exclusively(path);
	return works;
}
