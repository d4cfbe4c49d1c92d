// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_toml.c - config.toml of picosnitch 2 becomes a config.json of ours: each key, what has no counterpart,
 * and what is no TOML that we read, with its line; cut at each byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/import/toml.h"
#include "store/import/translate.h"

/* As version 2 documents it */
static const char whole[] =
	"[database]\n"
	"enabled = true                # write connection logs to picosnitch.db (SQLite)\n"
	"retention_days = 3_0           # how many days\n"
	"write_limit_seconds = 10\n"
	"text_log = false\r\n"
	"\n"
	"[database.remote]             # optional\n"
	"client = \"psycopg\"\n"
	"host = 'db.example.com'\n"
	"port = 5432\n"
	"user = \"u\\u00e9\\\"\\\\\\t\"\n"
	"connections_table = \"connections_a\"\n"
	"\n"
	"[ data ]\n"
	"owner = \"root\"\n"
	"mode = \"0644\"\n"
	"[log]\n"
	"addresses = true\n"
	"commands = false\n"
	"ports = true\n"
	"ignore_ports = [ 22, 53, ]\n"
	"ignore_domains = [\n"
	"  \"com.example\", # all of it\n"
	"  'org.example.www'\n"
	"]\n"
	"ignore_ips = [\"192.168.0.0/16\"]\n"
	"ignore_sha256 = []\n"
	"[desktop]\n"
	"user = \"\"\n"
	"notifications = true\n"
	"geoip_lookup = true\n"
	"[monitoring]\n"
	"every_exe = false\n"
	"perf_ring_buffer_pages = 256\n"
	"# rlimit_nofile = 65536\n"
	"st_dev_mask = 0\n"
	"[virustotal]\n"
	"api_key = \"\"\n"
	"file_upload = false\n"
	"request_limit_seconds = 15";

static const char json[] =
	"{\"DBsqllog\":true,\"DBretention(days)\":30,\"DBwritelimit(seconds)\":10,\"DBtextlog\":false,"
	"\"DBsqlserver\":{\"client\":\"psycopg\",\"host\":\"db.example.com\",\"port\":5432,"
	"\"user\":\"u\xc3\xa9\\\"\\\\\\t\"},\"Logaddresses\":true,\"Logcommands\":false,\"Logports\":true,"
	"\"Logignore\":[22,53,\"com.example\",\"org.example.www\",\"192.168.0.0/16\"],"
	"\"Desktopnotifications\":true,\"GeoIPlookup\":true,\"Everyexe(notjustconns)\":false,"
	"\"Perfringbuffer(pages)\":256,\"Setst_devmask\":0,\"VTAPIkey\":\"\",\"VTfileupload\":false,"
	"\"VTrequestlimit(seconds)\":15}";

static char said[1 << 14];

static void say(void *arg, const char *line)
{
	size_t len = strlen(said);

	(void)arg;
	snprintf(said + len, sizeof(said) - len, "%s\n", line);
}

static char *translated(const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1), *out;

	memcpy(copy, text, len); /* the byte behind it belongs to nobody */
	said[0] = '\0';
	out = translate("config.toml", copy, len, say, NULL);
	free(copy);
	return out;
}

static char *without_blanks(char *text)
{
	char *to = text, *p;

	for (p = text; *p; p++)
		if (!strchr(" \t\n", *p))
			*to++ = *p;
	*to = '\0';
	return text;
}

static void each_key(void **state)
{
	char *out = translated(whole, strlen(whole));

	(void)state;
	assert_non_null(out);
	assert_string_equal(without_blanks(out), json);
	assert_string_equal(said, "config.toml:12: no counterpart: connections_table in [database.remote]\n"
				  "config.toml:15: no counterpart: owner in [data]\n"
				  "config.toml:16: no counterpart: mode in [data]\n"
				  "config.toml:29: no counterpart: user in [desktop]\n");
	free(out);
}

/* Values that we would refuse are printed, and said. */
static void values_we_refuse(void **state)
{
	static const char text[] = "[database]\nretention_days = 0\n[log]\nignore_ips = [\"10.0.0.1/8\"]\n";
	char *out = translated(text, strlen(text));

	(void)state;
	assert_non_null(out);
	assert_non_null(strstr(said, "DB retention (days)"));
	free(out);
}

static void what_is_no_toml(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"x", "1: here \"=\" was expected"},
		{"\n\nx =", "3: a value is missing"},
		{"= 1", "1: here a key was expected"},
		{"[a", "1: a table's name does not end"},
		{"[a]]", "1: something stands behind the value"},
		{"[[a]]", "1: arrays of tables"},
		{"[a.]", "1: here a key was expected"},
		{"a = \"x\nb = 1", "1: a string does not end"},
		{"a = 'x", "1: a string does not end"},
		{"a = \"\\q\"", "1: an escape"},
		{"a = \"\\u00\"", "1: a character"},
		{"a = \"\\u0000\"", "1: a character"},
		{"a = \"\\ud800\"", "1: a character"},
		{"a = \"\\U00110000\"", "1: a character"},
		{"a = \"\xff\"", "1: a string is not UTF-8"},
		{"a = \"\"\"x\"\"\"", "1: strings of several lines"},
		{"a = 1.5", "1: not understood"},
		{"a = 1979-05-27", "1: not understood"},
		{"a = 99999999999999999999", "1: not understood"},
		{"a = truest", "1: not understood"},
		{"a = {b = 1}", "1: tables in one line"},
		{"a.b = 1", "1: keys with dots"},
		{"a = [1\n2]", "2: a list does not end"},
		{"a = [[1]]", "1: lists in lists"},
		{"a = [", "1: a value is missing"},
		{"a = 1 b = 2", "1: something stands behind"},
		{"[log]\nports = true\nports = false", "3: this key stands here twice"},
		{"[log]\nignore_ports = 5", "2: a list is expected"},
		{"[database.remote]\nx = 1\nx = 2", "3: this key stands here twice"},
		{"[desktop]\ngeoip_lookup = true\n[monitoring]\ngeoip_lookup = true",
		 "4: this key stands here twice"},
	};
	size_t i;
	char *out;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		out = translated(bad[i].text, strlen(bad[i].text));
		if (out || !strstr(said, bad[i].why) || strncmp(said, "config.toml:", 12) != 0)
			fail_msg("%s: %s, not %s", bad[i].text, out ? out : said, bad[i].why);
	}
}

static void too_long(void **state)
{
	char *text = malloc(3 * TOML_TEXT_MAX), *out;
	size_t i, n;

	(void)state;
	n = (size_t)sprintf(text, "a = \"");
	memset(text + n, 'x', TOML_TEXT_MAX);
	strcpy(text + n + TOML_TEXT_MAX, "\"");
	assert_null(translated(text, strlen(text)));
	assert_non_null(strstr(said, "too long"));
	memset(text, 'k', 2 * TOML_NAME_MAX);
	strcpy(text + 2 * TOML_NAME_MAX, " = 1");
	assert_null(translated(text, strlen(text)));
	assert_non_null(strstr(said, "too long"));
	n = (size_t)sprintf(text, "[log]\nignore_ports = [");
	for (i = 0; i <= TOML_ITEMS_MAX; i++)
		n += (size_t)sprintf(text + n, "1,");
	strcpy(text + n, "]");
	assert_null(translated(text, strlen(text)));
	assert_non_null(strstr(said, "too long"));
	strcpy(text + n - 2, "]");
	out = translated(text, strlen(text));
	assert_non_null(out);
	free(out);
	free(text);
}

/* Cut anywhere it is refused with its line, or is a whole file of less. */
static void cut_at_each_byte(void **state)
{
	size_t len;
	char *out;

	(void)state;
	for (len = 0; len < strlen(whole); len++) {
		out = translated(whole, len);
		if (!out && strncmp(said, "config.toml:", 12) != 0)
			fail_msg("cut at %zu: %s", len, said);
		free(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_key),	    cmocka_unit_test(values_we_refuse),
		cmocka_unit_test(what_is_no_toml),  cmocka_unit_test(too_long),
		cmocka_unit_test(cut_at_each_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
