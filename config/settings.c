// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * settings.c - see settings.h. It walks the members of the one object of config.json and hands each value to
 * keys.c. Where the text is no JSON the walk ends; everything else is refused one by one, so that a user sees
 * all that is wrong at once.
 */
#include "config/settings.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpf/wire.h"
#include "config/keys.h"
#include "config/scan.h"
#include "config/utf8.h"

static unsigned line_of(const char *text, size_t at)
{
	unsigned line = 1;
	size_t i;

	for (i = 0; i < at; i++)
		line += text[i] == '\n';
	return line;
}

static void check_bytes(struct parse *p, const char *text, size_t len)
{
	const char *nul = memchr(text, '\0', len);
	size_t valid = utf8_valid_until(text, len);

	if (nul)
		keys_refuse(p, line_of(text, (size_t)(nul - text)), "found a NUL byte, allowed: text");
	if (valid < len)
		keys_refuse(p, line_of(text, valid), "found the byte \\x%02x, allowed: UTF-8",
			    (unsigned char)text[valid]);
}

/* What stands at s, for a message; at the end of the file too. */
static const char *show_next(char *buf, size_t size, struct scan *s)
{
	struct scan_value v = {.raw = s->text + s->at};

	if (scan_peek(s) < 0) {
		snprintf(buf, size, "the end of the file");
		return buf;
	}
	v.raw = s->text + s->at;
	v.len = strcspn(v.raw, " \t\r\n,"); /* the text ends in NUL */
	if (v.len == 0)
		v.len = 1;
	return keys_show(buf, size, &v);
}

static void take_member(struct parse *p, const struct scan_value *name, const struct scan_value *value,
			unsigned *lines, bool *changed)
{
	char shown[96], *decoded = keys_string(name);
	const struct key *key = decoded ? keys_find(decoded) : NULL;
	const char *nearest;
	size_t i;

	keys_show(shown, sizeof(shown), name);
	if (!decoded) {
		keys_refuse(p, name->line, "found %s as a key, allowed: a string", shown);
	} else if (!key) {
		nearest = keys_nearest(decoded);
		if (nearest)
			keys_refuse(p, name->line, "unknown key %s, did you mean \"%s\"?", shown, nearest);
		else
			keys_refuse(p, name->line, "unknown key %s", shown);
	} else {
		i = keys_index(key);
		if (lines[i]) {
			keys_refuse(p, name->line, "%s is there twice, first in line %u", shown, lines[i]);
		} else {
			lines[i] = value->line;
			changed[i] = !keys_is_default(key, value);
			keys_set(p, key, value);
		}
	}
	free(decoded);
}

/* Behind a value: true if another member follows. */
static bool more_members(struct parse *p, struct scan *s, const struct scan_value *name)
{
	char next[96], key[96];

	if (scan_take(s, '}'))
		return false;
	if (!scan_take(s, ',')) {
		keys_refuse(p, s->line, "found %s behind the value of %s, allowed: a comma or }",
			    show_next(next, sizeof(next), s), keys_show(key, sizeof(key), name));
		s->at = s->len;
		return false;
	}
	if (scan_peek(s) == '}') {
		keys_refuse(p, s->line, "found a comma before }, allowed: no comma behind the last value");
		return !scan_take(s, '}');
	}
	return true;
}

static void walk(struct parse *p, struct scan *s, unsigned *lines, bool *changed)
{
	struct scan_value name, value;
	const char *wrong = NULL;
	char shown[96];

	if (!scan_take(s, '{')) {
		keys_refuse(p, s->line, "found %s, allowed: { \"key\": value, ... }",
			    show_next(shown, sizeof(shown), s));
		return;
	}
	if (!scan_take(s, '}')) {
		do {
			wrong = scan_value(s, &name);
			if (!wrong && name.raw[0] != '"')
				wrong = "a key that is no string";
			if (wrong)
				break;
			if (!scan_take(s, ':')) {
				wrong = "a key without a colon behind it";
				break;
			}
			wrong = scan_value(s, &value);
			if (wrong)
				break;
			take_member(p, &name, &value, lines, changed);
		} while (more_members(p, s, &name));
	}
	if (wrong)
		keys_refuse(p, s->line, "found %s at %s, allowed: \"key\": value", wrong,
			    show_next(shown, sizeof(shown), s));
	else if (scan_peek(s) >= 0)
		keys_refuse(p, s->line, "found %s behind the last }, allowed: nothing",
			    show_next(shown, sizeof(shown), s));
}

static int parse_text(struct parse *p, char *text, size_t len)
{
	struct scan s = {.text = text, .len = len, .line = 1};
	unsigned *lines = calloc(keys_count(), sizeof(*lines)), open_comment;
	bool *changed = calloc(keys_count(), sizeof(*changed));

	if (lines && changed && keys_defaults(p) == 0) {
		check_bytes(p, text, len);
		open_comment = scan_blank(text, len);
		if (open_comment)
			keys_refuse(p, open_comment, "found a comment that does not end, allowed: /* ... */");
		walk(p, &s, lines, changed);
		if (p->refusals == 0 && !p->no_memory)
			keys_notice(p, lines, changed);
	} else {
		p->no_memory = true;
	}
	free(lines);
	free(changed);
	if (p->no_memory)
		return -ENOMEM;
	return p->refusals ? -EINVAL : 0;
}

int settings_parse(struct settings *out, const char *file, const char *text, size_t len, settings_say *refuse,
		   settings_say *notice, void *arg)
{
	struct parse p = {.out = out, .file = file, .refuse = refuse, .notice = notice, .arg = arg};
	char *copy;
	int rc;

	memset(out, 0, sizeof(*out));
	if (len > WIRE_SETTINGS_MAX) {
		keys_refuse(&p, 1, "found %zu bytes, allowed: %d", len, WIRE_SETTINGS_MAX);
		return -EINVAL;
	}
	copy = malloc(len + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, len);
	copy[len] = '\0';
	rc = parse_text(&p, copy, len);
	free(copy);
	if (rc < 0)
		settings_free(out);
	return rc;
}

void settings_free(struct settings *s)
{
	size_t i;

	for (i = 0; i < s->n_ignore; i++)
		free(s->ignore[i].domain);
	free(s->ignore);
	free(s->geoip_country);
	free(s->geoip_asn);
	free(s->geoip_url);
	free(s->vt_api_key);
	free(s->vt_api_url);
	free(s->sql_server);
	memset(s, 0, sizeof(*s));
}

enum wire_stage settings_server(const char *json)
{
	enum wire_stage sink = WIRE_STAGE_POSTGRES;
#ifdef WITH_MARIADB
	static const char *const clients[] = {"mariadb", "pymysql", "mysql"};
	cJSON *parsed = cJSON_Parse(json);
	const char *client = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(parsed, "client"));
	size_t i;

	for (i = 0; i < sizeof(clients) / sizeof(clients[0]) && client; i++)
		if (strcasecmp(client, clients[i]) == 0)
			sink = WIRE_STAGE_MARIADB;
	cJSON_Delete(parsed);
#else
	(void)json;
#endif
	return sink;
}

bool settings_copied_to(const struct settings *s, enum wire_stage sink)
{
	return settings_copied(s) && settings_server(s->sql_server) == sink;
}

bool settings_copied(const struct settings *s)
{
	return s->sql_server && strcmp(s->sql_server, "{}") != 0;
}

char *settings_strip(const char *text, size_t len, size_t *out_len)
{
	char *copy = malloc(len + 1);
	size_t at, out = 0;
	bool in_string = false;

	if (!copy)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	scan_blank(copy, len);
	for (at = 0; at < len; at++) {
		bool space = strchr(" \t\r\n", copy[at]) != NULL && copy[at] != '\0';

		if (!in_string && space && (out == 0 || copy[out - 1] == ' '))
			continue;
		if (in_string && copy[at] == '\\' && at + 1 < len)
			copy[out++] = copy[at++];
		else if (copy[at] == '"')
			in_string = !in_string;
		copy[out++] = !in_string && space ? ' ' : copy[at];
	}
	copy[out] = '\0';
	*out_len = out;
	return copy;
}

/* Who could have put a link in the place of this file: -1 is anybody. */
static uid_t directory_owner(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	struct stat st;
	bool known = dir && stat(dir, &st) == 0;

	free(dir);
	return known && (st.st_uid != 0 || !(st.st_mode & (S_IWGRP | S_IWOTH))) ? st.st_uid : (uid_t)-1;
}

/* Root quotes in a log what it refuses, and the directory may be another user's: a link from there to a file
 * that is neither his nor lies there would show it to him. */
static int open_file(const char *path, struct stat *st)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	uid_t owner = directory_owner(path);
	int fd = open(path, flags | O_NOFOLLOW), err;
	bool linked = fd < 0 && errno == ELOOP;

	if (linked)
		fd = open(path, flags);
	if (fd < 0)
		return -errno;
	err = fstat(fd, st) < 0 ? -errno : 0;
	if (!err && geteuid() == 0 && owner != 0 && st->st_uid != owner && (linked || st->st_nlink > 1))
		err = -EXDEV;
	if (err)
		close(fd);
	return err ? err : fd;
}

/* Read at most WIRE_SETTINGS_MAX bytes and one more, so that too long shows. */
static ssize_t read_file(const char *path, char *buf, size_t size)
{
	struct stat st;
	int fd = open_file(path, &st), err = 0;
	size_t got = 0;
	ssize_t n = 0;

	if (fd < 0)
		return fd;
	if (!S_ISREG(st.st_mode))
		err = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	while (!err && got < size && (n = read(fd, buf + got, size - got)) != 0) {
		if (n > 0)
			got += (size_t)n;
		else if (errno != EINTR)
			err = -errno;
	}
	close(fd);
	return err ? err : (ssize_t)got;
}

int settings_load(struct settings *out, const char *path, char **text, size_t *text_len, settings_say *refuse,
		  settings_say *notice, void *arg)
{
	size_t size = WIRE_SETTINGS_MAX + 1;
	char *buf = malloc(size), message[512];
	ssize_t len;
	int rc = -ENOMEM;

	memset(out, 0, sizeof(*out));
	if (!buf)
		return -ENOMEM;
	len = read_file(path, buf, size);
	if (len < 0) {
		rc = (int)len;
		snprintf(message, sizeof(message), "%.300s: %s", path,
			 rc == -EXDEV ? "a link to a file of somebody else" : strerror(-rc));
		if (refuse)
			refuse(arg, message);
	} else {
		rc = settings_parse(out, path, buf, (size_t)len, refuse, notice, arg);
	}
	if (rc == 0 && text) {
		*text = settings_strip(buf, (size_t)len, text_len);
		if (!*text) {
			settings_free(out);
			rc = -ENOMEM;
		}
	}
	free(buf);
	return rc;
}
