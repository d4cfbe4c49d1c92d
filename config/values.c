// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * values.c - see values.h. Numbers are read from their text, not through cJSON's doubles: 10.0 and 1e1 are no
 * whole numbers here, as they are none in picosnitch.
 */
#include "config/values.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/ignore.h"

#define IGNORE_MAX 4096 /* entries; each costs time per flow */
#define SHOW 96

static bool is_word(const struct scan_value *v, const char *word)
{
	return v->len == strlen(word) && memcmp(v->raw, word, v->len) == 0;
}

/* Passwords and keys do not go into logs: only what kind of value was found there. */
static bool is_secret(const struct key *key)
{
	return key->offset == offsetof(struct settings, vt_api_key) ||
	       key->offset == offsetof(struct settings, sql_server);
}

static const char *kind_of(const struct scan_value *v)
{
	switch (v->raw[0]) {
	case '"':
		return "a string that is not well-formed";
	case '{':
		return "an object that is not well-formed";
	case '[':
		return "a list";
	default:
		return "a number or word";
	}
}

static void refuse_value(struct parse *p, const struct key *key, const struct scan_value *v,
			 const char *allowed)
{
	char shown[SHOW];

	keys_refuse(p, v->line, "\"%s\": found %s, allowed: %s", keys_name(key),
		    is_secret(key) ? kind_of(v) : keys_show(shown, sizeof(shown), v), allowed);
}

static void *place(struct parse *p, const struct key *key)
{
	return key->offset == VALUE_NOWHERE ? NULL : (char *)p->out + key->offset;
}

void value_bool(struct parse *p, const struct key *key, const struct scan_value *v)
{
	bool *out = place(p, key), on = is_word(v, "true");

	if (!on && !is_word(v, "false"))
		refuse_value(p, key, v, "true or false");
	else if (out)
		*out = on;
}

/* -?(0|[1-9][0-9]*) of at most 18 digits. */
static bool whole_number(const struct scan_value *v, long long *out)
{
	size_t sign = v->len > 0 && v->raw[0] == '-', digits = v->len - sign, i;
	long long value = 0;

	if (digits == 0 || digits > 18 || (digits > 1 && v->raw[sign] == '0'))
		return false;
	for (i = sign; i < v->len; i++) {
		if (v->raw[i] < '0' || v->raw[i] > '9')
			return false;
		value = value * 10 + (v->raw[i] - '0');
	}
	*out = sign ? -value : value;
	return true;
}

static bool in_range(const struct key *key, const struct scan_value *v, long long *out)
{
	return whole_number(v, out) && *out >= key->min && *out <= key->max;
}

void value_int(struct parse *p, const struct key *key, const struct scan_value *v)
{
	unsigned *out = place(p, key);
	char allowed[96];
	long long value;

	if (in_range(key, v, &value)) {
		if (out)
			*out = (unsigned)value;
		return;
	}
	snprintf(allowed, sizeof(allowed), "a whole number from %lld to %lld", key->min, key->max);
	refuse_value(p, key, v, allowed);
}

void value_int_or_null(struct parse *p, const struct key *key, const struct scan_value *v)
{
	char allowed[96];
	long long value;

	if (is_word(v, "null") || in_range(key, v, &value))
		return;
	snprintf(allowed, sizeof(allowed), "null or a whole number from %lld to %lld", key->min, key->max);
	refuse_value(p, key, v, allowed);
}

void value_power(struct parse *p, const struct key *key, const struct scan_value *v)
{
	unsigned *out = place(p, key);
	char allowed[96];
	long long value;

	if (in_range(key, v, &value) && (value & (value - 1)) == 0) {
		*out = (unsigned)value;
		return;
	}
	snprintf(allowed, sizeof(allowed), "a power of two from %lld to %lld", key->min, key->max);
	refuse_value(p, key, v, allowed);
}

/* The decoded string, or NULL after a refusal. Caller frees. */
static char *take_string(struct parse *p, const struct key *key, const struct scan_value *v,
			 const char *allowed)
{
	char *text = keys_string(v);

	if (!text)
		refuse_value(p, key, v, allowed);
	return text;
}

static void keep_string(struct parse *p, const struct key *key, char *text)
{
	char **out = place(p, key);

	if (!out) {
		free(text);
		return;
	}
	free(*out);
	*out = text;
}

void value_string(struct parse *p, const struct key *key, const struct scan_value *v)
{
	char *text = take_string(p, key, v, "a string");

	if (text)
		keep_string(p, key, text);
}

/* Is the host that text begins with this machine? */
static bool is_loopback(const char *text)
{
	static const char *const hosts[] = {"localhost", "127.0.0.1", "[::1]"};
	size_t i, len;

	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		len = strlen(hosts[i]);
		if (strncasecmp(text, hosts[i], len) == 0 && strchr(":/", text[len]))
			return true; /* strchr finds the final NUL too */
	}
	return false;
}

void value_url(struct parse *p, const struct key *key, const struct scan_value *v)
{
	static const char allowed[] = "a URL that begins with https:// (http:// only to localhost)";
	char *text = take_string(p, key, v, allowed);

	if (!text)
		return;
	if ((strncasecmp(text, "https://", 8) == 0 && text[8] != '\0' && text[8] != '/') ||
	    (strncasecmp(text, "http://", 7) == 0 && is_loopback(text + 7))) {
		keep_string(p, key, text);
		return;
	}
	refuse_value(p, key, v, allowed);
	free(text);
}

/* The name of a member that an object at any depth has twice, NULL if none has. */
static const char *find_duplicate(const cJSON *json)
{
	const cJSON *a, *b;
	const char *found;

	for (a = json->child; a; a = a->next) {
		for (b = a->next; b && cJSON_IsObject(json); b = b->next)
			if (strcmp(a->string, b->string) == 0)
				return a->string;
		if ((found = find_duplicate(a)) != NULL)
			return found;
	}
	return NULL;
}

/* MariaDB and MySQL, which picosnitch also knew, are not there; what else is wrong, the copy itself says. */
static void notice_client(struct parse *p, const struct key *key, const struct scan_value *v,
			  const cJSON *json)
{
	static const char *const built[] = {"psycopg", "psycopg2", "postgresql", "postgres", "libpq", ""};
	const char *client = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "client"));
	char text[512], shown[SHOW];
	size_t i;

	for (i = 0; client && i < sizeof(built) / sizeof(built[0]); i++)
		if (strcasecmp(client, built[i]) == 0)
			client = NULL;
	if (!client || !p->notice)
		return;
	snprintf(text, sizeof(text),
		 "%.200s:%u: \"%s\": no copy is made: client %s is not in this build, psycopg is", p->file,
		 v->line, keys_name(key),
		 keys_show(shown, sizeof(shown), &(struct scan_value){.raw = client, .len = strlen(client)}));
	p->notice(p->arg, text);
}

void value_server(struct parse *p, const struct key *key, const struct scan_value *v)
{
	static const char allowed[] = "an object like {\"client\": ...}, or a string";
	const char *end = NULL, *twice;
	cJSON *json = cJSON_ParseWithLengthOpts(v->raw, v->len, &end, 0);
	char *text;

	if (!json || end != v->raw + v->len || (!cJSON_IsObject(json) && !cJSON_IsString(json))) {
		refuse_value(p, key, v, allowed);
	} else if ((twice = find_duplicate(json)) != NULL) {
		struct scan_value name = {.raw = twice, .len = strlen(twice)};
		char shown[SHOW];

		keys_refuse(p, v->line, "\"%s\": \"%s\" is there twice", keys_name(key),
			    keys_show(shown, sizeof(shown), &name));
	} else {
		if (cJSON_IsString(json) && json->valuestring[0] == '\0')
			text = strdup("{}"); /* both mean: none */
		else
			text = cJSON_PrintUnformatted(json);
		if (text)
			keep_string(p, key, text);
		else
			p->no_memory = true;
		notice_client(p, key, v, json);
	}
	cJSON_Delete(json);
}

/* Call each for every item of the list v. Returns whether v is a list. */
static bool each_item(struct parse *p, const struct key *key, const struct scan_value *v, value_set *each)
{
	struct scan s = {.text = v->raw, .len = v->len, .line = v->line};
	struct scan_value item;

	if (!scan_take(&s, '['))
		return false;
	if (scan_take(&s, ']'))
		return true;
	do {
		if (scan_value(&s, &item) != NULL) {
			keys_refuse(p, s.line, "\"%s\": a value is missing in the list", keys_name(key));
			return true;
		}
		each(p, key, &item);
	} while (scan_take(&s, ','));
	if (!scan_take(&s, ']'))
		keys_refuse(p, s.line, "\"%s\": a comma is missing in the list", keys_name(key));
	return true;
}

void value_hooks(struct parse *p, const struct key *key, const struct scan_value *v)
{
	static const char *const words[SETTINGS_HOOKS__MAX] = {
		[SETTINGS_HOOKS_AUTO] = "\"auto\"",
		[SETTINGS_HOOKS_TRACEPOINTS] = "\"tracepoints\"",
		[SETTINGS_HOOKS_TRAMPOLINES] = "\"trampolines\"",
	};
	unsigned *out = place(p, key), i;

	for (i = 0; i < SETTINGS_HOOKS__MAX; i++)
		if (is_word(v, words[i])) {
			*out = i;
			return;
		}
	refuse_value(p, key, v, "\"auto\", \"tracepoints\" or \"trampolines\"");
}

static const char *const kinds[] = {"new", "changed", "parent", "verdict", "error", "loss"};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))
#define KINDS_ALLOWED                                                                                        \
	"\"all\" or a list of \"new\", \"changed\", \"parent\", \"verdict\", \"error\", \"loss\""

static void add_kind(struct parse *p, const struct key *key, const struct scan_value *v)
{
	char *text = take_string(p, key, v, KINDS_ALLOWED);
	size_t i;

	if (!text)
		return;
	for (i = 0; i < N_KINDS && strcmp(text, kinds[i]) != 0; i++)
		;
	if (i < N_KINDS)
		p->out->notify_kinds |= 1u << i;
	else
		refuse_value(p, key, v, KINDS_ALLOWED);
	free(text);
}

void value_kinds(struct parse *p, const struct key *key, const struct scan_value *v)
{
	p->out->notify_kinds = 0;
	if (is_word(v, "\"all\""))
		p->out->notify_kinds = (1u << N_KINDS) - 1;
	else if (!each_item(p, key, v, add_kind))
		refuse_value(p, key, v, KINDS_ALLOWED);
}

static void keep_rule(struct parse *p, const struct key *key, const struct scan_value *v,
		      const struct ignore_rule *rule)
{
	struct settings *out = p->out;
	struct ignore_rule *grown = NULL;

	/* Room grows by the powers of two. */
	if ((out->n_ignore & (out->n_ignore - 1)) == 0) {
		grown = realloc(out->ignore, (out->n_ignore ? 2 * out->n_ignore : 1) * sizeof(*grown));
		if (!grown) {
			p->no_memory = true;
			free(rule->domain);
			return;
		}
		out->ignore = grown;
	}
	out->ignore[out->n_ignore++] = *rule;
	if (out->n_ignore == IGNORE_MAX + 1)
		keys_refuse(p, v->line, "\"%s\": found more than %d entries", keys_name(key), IGNORE_MAX);
}

static void notice_natural(struct parse *p, const struct key *key, const struct scan_value *v,
			   const struct ignore_rule *rule)
{
	char text[2048], shown[SHOW], rule_text[1100];

	if (!p->notice)
		return;
	settings_rule_text(rule, rule_text, sizeof(rule_text));
	snprintf(text, sizeof(text),
		 "%.200s:%u: \"%s\": %s is reverse notation, so it means %s; else put a dot in front",
		 p->file, v->line, keys_name(key), keys_show(shown, sizeof(shown), v), rule_text);
	p->notice(p->arg, text);
}

static void add_ignored(struct parse *p, const struct key *key, const struct scan_value *v)
{
	struct ignore_rule rule = {.kind = IGNORE_PORT};
	char *text = NULL, why[200] = "a port from 1 to 65535, or a string";
	long long port;
	int rc = 0;

	if (v->raw[0] == '"') {
		text = keys_string(v);
		rc = text ? ignore_parse(&rule, text, why, sizeof(why)) : -EINVAL;
	} else if (whole_number(v, &port) && port >= 1 && port <= 65535) {
		rule.port = (uint16_t)port;
	} else {
		rc = -EINVAL;
	}
	if (rc == -EINVAL)
		refuse_value(p, key, v, why);
	else if (rc < 0)
		p->no_memory = true;
	else if (p->out->n_ignore <= IGNORE_MAX)
		keep_rule(p, key, v, &rule);
	else
		free(rule.domain);
	if (rc == 0 && rule.kind == IGNORE_DOMAIN && ignore_looks_natural(text) &&
	    p->out->n_ignore <= IGNORE_MAX && !p->no_memory)
		notice_natural(p, key, v, &rule);
	free(text);
}

void value_ignore(struct parse *p, const struct key *key, const struct scan_value *v)
{
	if (!each_item(p, key, v, add_ignored))
		refuse_value(p, key, v, "a list like [443, \"192.0.2.0/24\", \"com.example\"]");
}
