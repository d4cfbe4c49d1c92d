// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * credential.c - see credential.h.
 */
#include "config/credential.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/scan.h"
#include "config/utf8.h"

#define PREFIX "\"credential:"
#define NAME_MAX_LEN 64

/* Keys that hold a secret, as they stand in the text. */
static const char *const keys[] = {"\"VT API key\"", "\"DB sql server\""};

struct filling {
	FILE *out;
	const struct scan_value *key;
	char *why;
	bool failed;
};

static void fail(struct filling *f, const char *name, const char *what)
{
	f->failed = true;
	snprintf(f->why, CREDENTIAL_WHY, "%.*s: credential %s: %s", (int)f->key->len, f->key->raw, name,
		 what);
}

static ssize_t read_file(const char *name, char *buf, size_t size)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	int at = dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1, fd;
	ssize_t n;

	if (!dir)
		return -ENOTDIR;
	fd = at < 0 ? -1 : openat(at, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	n = fd < 0 ? -1 : read(fd, buf, size);
	n = n < 0 ? -errno : n;
	if (fd >= 0)
		close(fd);
	if (at >= 0)
		close(at);
	return n;
}

static bool is_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

	return name[0] && name[0] != '.' && name[strspn(name, allowed)] == '\0';
}

/* As a JSON string. */
static void put_string(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++)
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			fprintf(out, "\\u%04x", *text);
		else
			putc(*text, out);
	putc('"', out);
}

static void put_secret(struct filling *f, const char *name)
{
	char secret[CREDENTIAL_MAX + 1];
	ssize_t n;

	if (!is_name(name)) {
		fail(f, "?", "its name is not of letters, digits, dots, - and _");
		return;
	}
	n = read_file(name, secret, sizeof(secret));
	if (n == -ENOTDIR)
		fail(f, name, "there are none here; the unit says which it has: LoadCredential=");
	else if (n < 0)
		fail(f, name, strerror((int)-n));
	else if (n == (ssize_t)sizeof(secret))
		fail(f, name, "too long");
	if (n < 0 || f->failed)
		return;
	secret[n] = '\0';
	secret[strcspn(secret, "\r\n")] = '\0';
	if (!secret[0])
		fail(f, name, "empty");
	else if (utf8_valid_until(secret, strlen(secret)) != strlen(secret))
		fail(f, name, "not text");
	else
		put_string(f->out, secret);
	explicit_bzero(secret, sizeof(secret));
}

/* The length of the string that begins here, with both quotes. */
static size_t string_len(const char *text, size_t len)
{
	size_t i;

	for (i = 1; i < len && text[i] != '"'; i++)
		i += text[i] == '\\';
	return i < len ? i + 1 : len;
}

static void put_value(struct filling *f, const struct scan_value *value)
{
	char name[NAME_MAX_LEN + 1];
	size_t at, len;

	for (at = 0; at < value->len && !f->failed; at += len) {
		const char *text = value->raw + at;

		len = *text == '"' ? string_len(text, value->len - at) : 1;
		if (len > strlen(PREFIX) && strncmp(text, PREFIX, strlen(PREFIX)) == 0) {
			snprintf(name, sizeof(name), "%.*s", (int)(len - strlen(PREFIX) - 1),
				 text + strlen(PREFIX));
			put_secret(f, name);
		} else {
			fwrite(text, 1, len, f->out);
		}
	}
}

static bool has_secret(const struct scan_value *key)
{
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (key->len == strlen(keys[i]) && memcmp(key->raw, keys[i], key->len) == 0)
			return true;
	return false;
}

/* The members one after the other: what stands between them is copied as it is. */
static void fill(struct filling *f, struct scan *s)
{
	struct scan_value key, value;
	const char *from = s->text;

	if (!scan_take(s, '{'))
		return;
	while (!f->failed && !scan_value(s, &key) && scan_take(s, ':') && !scan_value(s, &value)) {
		fwrite(from, 1, (size_t)(value.raw - from), f->out);
		f->key = &key;
		if (has_secret(&key))
			put_value(f, &value);
		else
			fwrite(value.raw, 1, value.len, f->out);
		from = value.raw + value.len;
		if (!scan_take(s, ','))
			break;
	}
	fwrite(from, 1, (size_t)(s->text + s->len - from), f->out);
}

char *credential_fill(const char *text, size_t len, size_t *out_len, char why[CREDENTIAL_WHY])
{
	struct filling f = {.why = why};
	struct scan s = {.text = text, .len = len, .line = 1};
	char *filled = NULL;

	why[0] = '\0';
	if (!(f.out = open_memstream(&filled, out_len)))
		return NULL;
	fill(&f, &s);
	if (fclose(f.out) != 0 || f.failed) {
		credential_erase(filled, filled ? *out_len : 0);
		return NULL;
	}
	return filled;
}

void credential_erase(char *text, size_t len)
{
	if (text)
		explicit_bzero(text, len);
	free(text);
}
