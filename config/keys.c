// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * keys.c - see keys.h. Adding a key is adding a row: its default is given as JSON and goes through the same
 * setter as the user's value. values.c holds the setters of the types.
 */
#include "config/keys.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/utf8.h"
#include "config/values.h"

#define NAME_MAX_LEN 64 /* longer names are near to no key */
#define WEB "the web view is not in this build"

/* DB-IP Lite, free under CC BY 4.0: {database} is country or asn, {month} 2026-11. */
#define GEOIP_URL "https://download.db-ip.com/free/dbip-{database}-lite-{month}.mmdb.gz"

#define AT(member) offsetof(struct settings, member)

/* Sorted by name, as picosnitch writes them. */
static const struct key keys[] = {
	{"DB retention (days)", value_int, AT(retention_days), 1, 36500, "30",
	 "how many days to keep connections in snitch.db", NULL},
	{"DB size limit (MB)", value_int, AT(size_limit_mb), 16, 16777216, "2048",
	 "size of snitch.db above which the oldest rows go first", NULL},
	{"DB sql log", value_bool, AT(sql_log), 0, 0, "true", "store connections in snitch.db (SQLite)",
	 NULL},
	{"DB sql server", value_server, AT(sql_server), 0, 0, "{}",
	 "also copy connections to a PostgreSQL or MariaDB server: {\"host\": ...} or a conninfo string",
	 NULL},
	{"DB text log", value_bool, AT(text_log), 0, 0, "false", "also write connections to conn.log", NULL},
	{"DB write limit (seconds)", value_int, AT(write_limit_s), 1, 3600, "10",
	 "time between two writes of the log", NULL},
	{"Dash scroll zoom", value_bool, VALUE_NOWHERE, 0, 0, "true", "zoom plots by scrolling (web view)",
	 "no effect: " WEB},
	{"Dash theme", value_string, VALUE_NOWHERE, 0, 0, "\"\"", "theme of the web view", "no effect: " WEB},
	{"Desktop notifications", value_bool, AT(desktop_notifications), 0, 0, "true",
	 "tell the desktop user when a program uses the network for the first time", NULL},
	{"Every exe (not just conns)", value_bool, AT(every_exe), 0, 0, "false",
	 "also log programs that do not use the network", NULL},
	{"GeoIP ASN database", value_string, AT(geoip_asn), 0, 0, "\"\"",
	 "path of a .mmdb file with networks; empty for the usual places", NULL},
	{"GeoIP URL", value_url, AT(geoip_url), 0, 0, "\"" GEOIP_URL "\"",
	 "where `femtosnitch geoip update` fetches from", NULL},
	{"GeoIP country database", value_string, AT(geoip_country), 0, 0, "\"\"",
	 "path of a .mmdb file with countries; empty for the usual places", NULL},
	{"GeoIP lookup", value_bool, AT(geoip_lookup), 0, 0, "true",
	 "log country and network of an address, where a database is installed", NULL},
	{"Hooks", value_hooks, AT(hooks), 0, 0, "\"auto\"",
	 "what counts bytes in the kernel: \"auto\", \"tracepoints\" or \"trampolines\"", NULL},
	{"Log addresses", value_bool, AT(log_addresses), 0, 0, "true", "log remote addresses and domains",
	 NULL},
	{"Log commands", value_bool, AT(log_commands), 0, 0, "true", "log command lines", NULL},
	{"Log ignore", value_ignore, AT(ignore), 0, 0, "[]",
	 "not logged: ports, addresses, networks, SHA-256, domains (\"com.example\" or \".example.com\")",
	 NULL},
	{"Log libraries", value_bool, AT(log_libraries), 0, 0, "true",
	 "log which libraries are loaded into a program that uses the network", NULL},
	{"Log ports", value_bool, AT(log_ports), 0, 0, "true", "log ports", NULL},
	{"Notify kinds", value_kinds, AT(notify_kinds), 0, 0, "\"all\"",
	 "or a list of: new, changed, parent, verdict, error, loss", NULL},
	{"Perf ring buffer (pages)", value_power, AT(ring_pages), 8, 16384, "64",
	 "size of the kernel's ring buffer in 4 KiB pages, a power of two", NULL},
	{"Read names from traffic", value_bool, AT(read_names), 0, 0, "true",
	 "find the domain behind an address in DNS answers and TLS greetings", NULL},
	{"Reverse lookup", value_bool, AT(reverse_lookup), 0, 0, "false",
	 "ask the name servers what addresses without a name are called by their owners", NULL},
	{"Set RLIMIT_NOFILE", value_int_or_null, VALUE_NOWHERE, 0, 1073741824, "null",
	 "accepted from older files, without meaning here",
	 "no effect: femtosnitch keeps few files open and needs no limit"},
	{"Set st_dev mask", value_int_or_null, VALUE_NOWHERE, 0, 4294967295, "null",
	 "accepted from older files, without meaning here",
	 "no effect: femtosnitch does not compare device numbers"},
	{"VT API URL", value_url, AT(vt_api_url), 0, 0, "\"https://www.virustotal.com/api/v3\"",
	 "where VirusTotal is asked", NULL},
	{"VT API key", value_string, AT(vt_api_key), 0, 0, "\"\"",
	 "VirusTotal key, or the path of a file with it; empty for never", NULL},
	{"VT file upload", value_bool, AT(vt_file_upload), 0, 0, "false",
	 "upload programs that VirusTotal does not know", NULL},
	{"VT request limit (seconds)", value_int, AT(vt_request_limit_s), 0, 86400, "15",
	 "time between two requests to VirusTotal", NULL},
};

#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

size_t keys_count(void)
{
	return N_KEYS;
}

size_t keys_index(const struct key *key)
{
	return (size_t)(key - keys);
}

const char *keys_name(const struct key *key)
{
	return key->name;
}

const struct key *keys_find(const char *name)
{
	size_t i;

	for (i = 0; i < N_KEYS; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

/* Edit distance without regard to case; both at most NAME_MAX_LEN long. */
static unsigned distance(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b), i, j;
	unsigned row[NAME_MAX_LEN + 1], left, up, diagonal;

	for (j = 0; j <= nb; j++)
		row[j] = (unsigned)j;
	for (i = 1; i <= na; i++) {
		diagonal = row[0];
		row[0] = (unsigned)i;
		for (j = 1; j <= nb; j++) {
			up = row[j];
			left = row[j - 1];
			diagonal += tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]);
			if (up + 1 < diagonal)
				diagonal = up + 1;
			if (left + 1 < diagonal)
				diagonal = left + 1;
			row[j] = diagonal;
			diagonal = up;
		}
	}
	return row[nb];
}

const char *keys_nearest(const char *name)
{
	size_t len = strlen(name), i;
	unsigned best = (unsigned)-1, d;
	const char *nearest = NULL;

	if (len > NAME_MAX_LEN)
		return NULL;
	for (i = 0; i < N_KEYS; i++) {
		d = distance(name, keys[i].name);
		/* "DB retention" for "DB retention (days)": the unit in brackets is easily forgotten. */
		if (len > 3 && strncasecmp(name, keys[i].name, len) == 0)
			d = 1;
		if (d < best) {
			best = d;
			nearest = keys[i].name;
		}
	}
	return best <= 2 + len / 4 ? nearest : NULL;
}

void keys_refuse(struct parse *p, unsigned line, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	p->refusals++;
	if (!p->refuse)
		return;
	n = snprintf(text, sizeof(text), "%.200s:%u: ", p->file, line);
	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	p->refuse(p->arg, text);
}

const char *keys_show(char *buf, size_t size, const struct scan_value *v)
{
	utf8_escape(buf, size, v->raw, v->len);
	return buf;
}

char *keys_string(const struct scan_value *v)
{
	const char *end = NULL;
	cJSON *json = cJSON_ParseWithLengthOpts(v->raw, v->len, &end, 0);
	char *text = NULL;

	if (json && end == v->raw + v->len && cJSON_IsString(json))
		text = strdup(json->valuestring);
	cJSON_Delete(json);
	return text;
}

void keys_set(struct parse *p, const struct key *key, const struct scan_value *v)
{
	key->set(p, key, v);
}

int keys_defaults(struct parse *p)
{
	size_t i;

	for (i = 0; i < N_KEYS; i++) {
		struct scan_value v = {.raw = keys[i].def, .len = strlen(keys[i].def)};

		keys[i].set(p, &keys[i], &v);
	}
	return p->no_memory ? -ENOMEM : 0;
}

/* Equal but for white space, which is enough for the defaults there are. */
bool keys_is_default(const struct key *key, const struct scan_value *v)
{
	const char *def = key->def;
	size_t i;

	for (i = 0; i < v->len; i++) {
		if (isspace((unsigned char)v->raw[i]))
			continue;
		if (v->raw[i] != *def)
			return false;
		def++;
	}
	return *def == '\0';
}

void keys_notice(struct parse *p, const unsigned *lines, const bool *changed)
{
	char text[512];
	size_t i;

	if (!p->notice)
		return;
	for (i = 0; i < N_KEYS; i++) {
		if (!keys[i].no_effect || lines[i] == 0 || !changed[i])
			continue;
		snprintf(text, sizeof(text), "%.200s:%u: \"%s\": %s", p->file, lines[i], keys[i].name,
			 keys[i].no_effect);
		p->notice(p->arg, text);
	}
}

const char *settings_default_text(void)
{
	static char *text;
	size_t size, i;
	FILE *f;

	if (text || !(f = open_memstream(&text, &size)))
		return text;
	fputs("# What femtosnitch logs. `femtosnitch check-config` says how this file is understood,\n"
	      "# a running femtosnitch reads it again on SIGHUP. All keys are optional.\n{\n",
	      f);
	for (i = 0; i < N_KEYS; i++)
		fprintf(f, "  \"%s\": %s%s # %s\n", keys[i].name, keys[i].def, i + 1 < N_KEYS ? "," : "",
			keys[i].comment);
	fputs("}\n", f);
	fclose(f);
	return text;
}
