// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * translate.c - see translate.h. Keys that are not in the file are left out: then the defaults count.
 */
#include "store/import/translate.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/import/toml.h"

#define LINE_MAX 512
#define IGNORE "Log ignore"
#define SERVER "DB sql server"

static const struct pair {
	const char *table, *key, *ours; /* NULL: it has no counterpart */
} pairs[] = {
	{"database", "enabled", "DB sql log"},
	{"database", "retention_days", "DB retention (days)"},
	{"database", "write_limit_seconds", "DB write limit (seconds)"},
	{"database", "text_log", "DB text log"},
	{"database.remote", "connections_table", NULL},
	{"dash", "scroll_zoom", "Dash scroll zoom"},
	{"dash", "theme", "Dash theme"},
	{"log", "addresses", "Log addresses"},
	{"log", "commands", "Log commands"},
	{"log", "ports", "Log ports"},
	{"log", "ignore_ports", IGNORE},
	{"log", "ignore_domains", IGNORE}, /* in reverse notation there and here */
	{"log", "ignore_ips", IGNORE},
	{"log", "ignore_sha256", IGNORE},
	{"desktop", "notifications", "Desktop notifications"},
	{"desktop", "geoip_lookup", "GeoIP lookup"},
	{"monitoring", "geoip_lookup", "GeoIP lookup"},
	{"monitoring", "every_exe", "Every exe (not just conns)"},
	{"monitoring", "perf_ring_buffer_pages", "Perf ring buffer (pages)"},
	{"monitoring", "rlimit_nofile", "Set RLIMIT_NOFILE"},
	{"monitoring", "st_dev_mask", "Set st_dev mask"},
	{"virustotal", "api_key", "VT API key"},
	{"virustotal", "file_upload", "VT file upload"},
	{"virustotal", "request_limit_seconds", "VT request limit (seconds)"},
};

struct translation {
	const char *file;
	settings_say *say;
	void *arg;
	cJSON *json;
	char seen[sizeof(pairs) / sizeof(pairs[0])];
};

static cJSON *value(const struct toml_value *v)
{
	cJSON *list;
	size_t i;

	switch (v->type) {
	case TOML_STRING:
		return cJSON_CreateString(v->text);
	case TOML_NUMBER:
		return cJSON_CreateNumber((double)v->number);
	case TOML_BOOLEAN:
		return cJSON_CreateBool(v->boolean);
	default:
		list = cJSON_CreateArray();
		for (i = 0; i < v->items; i++)
			cJSON_AddItemToArray(list, value(&v->item[i]));
		return list;
	}
}

/* The list or object of that key, made if it is missing. */
static cJSON *member(struct translation *t, const char *key, cJSON *make(void))
{
	cJSON *item = cJSON_GetObjectItemCaseSensitive(t->json, key);

	if (!item && (item = make()))
		cJSON_AddItemToObject(t->json, key, item);
	return item;
}

static const char *add_ignored(struct translation *t, const struct toml_value *v)
{
	cJSON *list = member(t, IGNORE, cJSON_CreateArray);
	size_t i;

	if (v->type != TOML_ARRAY)
		return "a list is expected here";
	for (i = 0; i < v->items; i++)
		cJSON_AddItemToArray(list, value(&v->item[i]));
	return NULL;
}

static const char *add_server(struct translation *t, const char *key, const struct toml_value *v)
{
	cJSON *server = member(t, SERVER, cJSON_CreateObject);

	if (cJSON_GetObjectItemCaseSensitive(server, key))
		return "this key stands here twice";
	cJSON_AddItemToObject(server, key, value(v));
	return NULL;
}

static const struct pair *find(const char *table, const char *key)
{
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (strcmp(pairs[i].table, table) == 0 && strcmp(pairs[i].key, key) == 0)
			return &pairs[i];
	return NULL;
}

static void no_counterpart(struct translation *t, const char *table, const char *key, unsigned line)
{
	char text[LINE_MAX];

	snprintf(text, sizeof(text), "%.200s:%u: no counterpart: %.100s in [%.100s]", t->file, line, key,
		 table);
	t->say(t->arg, text);
}

static const char *heard(void *arg, const char *table, const char *key, const struct toml_value *v,
			 unsigned line)
{
	struct translation *t = arg;
	const struct pair *p = find(table, key);

	if (p && t->seen[p - pairs]++)
		return "this key stands here twice";
	if (!p && strcmp(table, "database.remote") == 0)
		return add_server(t, key, v);
	if (!p || !p->ours)
		no_counterpart(t, table, key, line);
	else if (strcmp(p->ours, IGNORE) == 0)
		return add_ignored(t, v);
	else if (cJSON_GetObjectItemCaseSensitive(t->json, p->ours))
		return "this key stands here twice";
	else
		cJSON_AddItemToObject(t->json, p->ours, value(v));
	return NULL;
}

/* Would we take it? */
static char *print(struct translation *t)
{
	char *text = cJSON_Print(t->json);
	struct settings s;

	if (!text)
		return NULL;
	if (settings_parse(&s, "translated", text, strlen(text), t->say, NULL, t->arg) == 0)
		settings_free(&s);
	return text;
}

char *translate(const char *file, const char *text, size_t len, settings_say *say, void *arg)
{
	struct translation t = {.file = file, .say = say, .arg = arg, .json = cJSON_CreateObject()};
	char line_text[LINE_MAX], *out = NULL;
	unsigned line;
	const char *why = toml_read(text, len, heard, &t, &line);

	if (why) {
		snprintf(line_text, sizeof(line_text), "%.300s:%u: %s", file, line, why);
		say(arg, line_text);
	} else {
		out = print(&t);
	}
	cJSON_Delete(t.json);
	return out;
}
