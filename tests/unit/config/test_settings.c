// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_settings.c - config.json: what is accepted, how it is understood, and that every refusal names file,
 * line, key, what was found and what is allowed.
 */
#include "config/settings.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "bpf/wire.h"

/* The README of picosnitch, version 1.0.x: all twenty keys, each with its comment. */
static const char seed[] =
	"{\n"
	"  \"DB retention (days)\": 30, # how many days to keep connection logs in snitch.db\n"
	"  \"DB sql log\": true, # store connection logs in snitch.db (sqlite)\n"
	"  \"DB sql server\": {}, # store connection logs in sql server instead of snitch.db\n"
	"  \"DB text log\": false, # store connection logs in conn.log\n"
	"  \"DB write limit (seconds)\": 10, # minimum time between writing logs\n"
	"  \"Dash scroll zoom\": true, # enable scroll zooming on plots\n"
	"  \"Dash theme\": \"\", # needs dash-bootstrap-components, \"quoted\" text in a comment\n"
	"  \"Desktop notifications\": true, # try connecting to dbus for notifications\n"
	"  \"Every exe (not just conns)\": false, # check every running executable\n"
	"  \"GeoIP lookup\": true, # lookup country of IP addresses\n"
	"  \"Log addresses\": true, # log remote addresses for each connection\n"
	"  \"Log commands\": true, # log command line args for each executable\n"
	"  \"Log ignore\": [], # list of domains, IPs, ports or hashes to ignore\n"
	"  \"Log ports\": true, # log ports for each connection\n"
	"  \"Perf ring buffer (pages)\": 256, # power of two number of pages\n"
	"  \"Set RLIMIT_NOFILE\": null, # set the maximum number of open file descriptors\n"
	"  \"Set st_dev mask\": null, # mask device number for open file descriptors\n"
	"  \"VT API key\": \"\", # API key for VirusTotal, leave blank to disable\n"
	"  \"VT file upload\": false, # upload file if hash not found\n"
	"  \"VT request limit (seconds)\": 15 # number of seconds between requests\n"
	"}\n";

struct heard {
	char refused[8192];
	char noticed[8192];
	unsigned n_refused;
};

static void hear(char *buf, size_t size, const char *line)
{
	size_t len = strlen(buf);

	assert_null(strchr(line, '\n'));
	snprintf(buf + len, size - len, "%s\n", line);
}

static void refuse(void *arg, const char *line)
{
	struct heard *h = arg;

	h->n_refused++;
	hear(h->refused, sizeof(h->refused), line);
}

static void notice(void *arg, const char *line)
{
	struct heard *h = arg;

	hear(h->noticed, sizeof(h->noticed), line);
}

static int parse_len(struct settings *s, const char *text, size_t len, struct heard *h)
{
	memset(h, 0, sizeof(*h));
	return settings_parse(s, "config.json", text, len, refuse, notice, h);
}

static int parse(struct settings *s, const char *text, struct heard *h)
{
	return parse_len(s, text, strlen(text), h);
}

static void assert_refused(const char *text, const char *want)
{
	struct settings s;
	struct heard h;

	if (parse(&s, text, &h) != -EINVAL || h.n_refused != 1)
		fail_msg("%s: wanted one refusal, got %u: %s", text, h.n_refused, h.refused);
	if (!strstr(h.refused, want))
		fail_msg("%s: wanted \"%s\", got: %s", text, want, h.refused);
}

static void test_seed(void **state)
{
	struct settings s;
	struct heard h;

	(void)state;
	assert_int_equal(parse(&s, seed, &h), 0);
	assert_string_equal(h.refused, "");
	assert_int_equal(s.retention_days, 30);
	assert_int_equal(s.ring_pages, 256);
	assert_true(s.sql_log && !s.text_log && s.desktop_notifications && !s.every_exe && s.log_ports);
	assert_string_equal(s.sql_server, "{}");
	assert_string_equal(h.noticed, "");
	settings_free(&s);
}

static void test_defaults(void **state)
{
	struct settings s, empty;
	struct heard h;

	(void)state;
	assert_int_equal(parse(&s, settings_default_text(), &h), 0);
	assert_string_equal(h.refused, "");
	assert_int_equal(parse(&empty, "\xef\xbb\xbf{}", &h), 0);
	assert_int_equal(s.retention_days, 30);
	assert_int_equal(s.size_limit_mb, 2048);
	assert_int_equal(s.write_limit_s, 10);
	assert_int_equal(s.hooks, SETTINGS_HOOKS_AUTO);
	assert_int_equal(s.ring_pages, 64);
	assert_int_equal(s.vt_request_limit_s, 15);
	assert_int_equal(s.notify_kinds, 63);
	assert_true(s.sql_log && s.desktop_notifications && s.geoip_lookup && s.log_addresses &&
		    s.log_commands && s.log_ports && s.read_names);
	assert_false(s.text_log || s.every_exe || s.vt_file_upload || s.reverse_lookup);
	assert_string_equal(s.vt_api_key, "");
	assert_string_equal(s.vt_api_url, "https://www.virustotal.com/api/v3");
	assert_int_equal(empty.size_limit_mb, s.size_limit_mb);
	assert_int_equal(empty.n_ignore, 0);
	settings_free(&s);
	settings_free(&empty);
}

static void test_good(void **state)
{
	static const char *const good[] = {
		"{ }",
		"// c\n{ /* c */ \"DB sql log\" /* \" */ : false } # end",
		"{\"DB sql server\": \"host=db user=me\"}",
		"{\"DB sql server\": {\"client\": \"psycopg\", \"ssl\": {\"ca\": \"/x # no comment\"}}}",
		"{\"VT API URL\": \"http://127.0.0.1:8080/v3\"}",
		"{\"VT API URL\": \"http://[::1]/\"}",
		"{\"VT API URL\": \"HTTPS://vt.example/\"}",
		"{\"Notify kinds\": [\"new\", \"loss\"]}",
		"{\"Notify kinds\": []}",
		"{\"Set st_dev mask\": 4294967295}",
		"{\"D\\u0042 sql log\": false}",
		"{\"Dash theme\": \"\\\"/* no comment\"}",
		"\r\n{\r\n\"Log ports\":\tfalse\r\n}\r\n",
	};
	struct settings s;
	struct heard h;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (parse(&s, good[i], &h) != 0)
			fail_msg("%s: %s", good[i], h.refused);
		settings_free(&s);
	}
}

static void test_refusals(void **state)
{
	static const char *const bad[][2] = {
		{"{\"DB sql log\": 1}", "config.json:1: \"DB sql log\": found 1, allowed: true or false"},
		{"{\n\"DB sql log\": True}",
		 "config.json:2: \"DB sql log\": found True, allowed: true or false"},
		{"{\"DB retention (days)\": 10.5}", "found 10.5, allowed: a whole number from 1 to 36500"},
		{"{\"DB retention (days)\": 10.0}", "found 10.0, allowed: a whole number"},
		{"{\"DB retention (days)\": 1e1}", "found 1e1"},
		{"{\"DB retention (days)\": 030}", "found 030"},
		{"{\"DB retention (days)\": \"30\"}", "found \"30\", allowed: a whole number"},
		{"{\"DB retention (days)\": 0}", "found 0,"},
		{"{\"DB retention (days)\": -1}", "found -1,"},
		{"{\"DB retention (days)\": 99999999999999999999}", "found 99999999999999999999,"},
		{"{\"DB retention (days)\": null}", "found null"},
		{"{\"DB retention (days)\": []}", "found []"},
		{"{\"DB write limit (seconds)\": 0}", "allowed: a whole number from 1 to 3600"},
		{"{\"Perf ring buffer (pages)\": 100}", "found 100, allowed: a power of two from 8 to 16384"},
		{"{\"Hooks\": \"kprobes\"}",
		 "found \"kprobes\", allowed: \"auto\", \"tracepoints\" or \"trampolines\""},
		{"{\"Hooks\": true}", "\"Hooks\": found true"},
		{"{\"Set RLIMIT_NOFILE\": true}", "found true, allowed: null or a whole number"},
		{"{\"VT API key\": 5}", "found a number or word, allowed: a string"},
		{"{\"VT API URL\": \"http://example.com\"}", "http:// only to localhost"},
		{"{\"VT API URL\": \"http://localhost.example.com\"}", "http:// only to localhost"},
		{"{\"VT API URL\": \"http://127.0.0.1@example.com\"}", "http:// only to localhost"},
		{"{\"DB sql server\": []}", "\"DB sql server\": found a list, allowed: an object"},
		{"{\"DB sql server\": {\"a\": 1, \"a\": 2}}", "\"DB sql server\": \"a\" is there twice"},
		{"{\"DB sql server\": {\"a\" 1}}",
		 "\"DB sql server\": found an object that is not well-formed, allowed"},
		{"{\"Notify kinds\": [\"old\"]}", "found \"old\", allowed: \"all\" or a list of \"new\""},
		{"{\"Log ignore\": 443}", "\"Log ignore\": found 443, allowed: a list"},
		{"{\"Log ignore\": [443 80]}", "a comma is missing in the list"},
		{"{\"Log ignore\": [443,]}", "a value is missing in the list"},
		{"{\"DB retension (days)\": 30}",
		 "config.json:1: unknown key \"DB retension (days)\", did you mean \"DB retention (days)\"?"},
		{"{\"db SQL log\": true}", "did you mean \"DB sql log\"?"},
		{"{\"DB retention\": 30}", "did you mean \"DB retention (days)\"?"},
		{"{\"Elephants\": 30}", "config.json:1: unknown key \"Elephants\"\n"},
		{"{\"\\u001b[31m\\n\": 30}", "unknown key"},
		{"{\n\"Log ports\": true,\n\"Log ports\": true}",
		 "config.json:3: \"Log ports\" is there twice, first in line 2"},
		{"{\"Log ports\": true} x", "config.json:1: found x behind the last }, allowed: nothing"},
		{"{\"Log ports\": true}{}", "found {} behind the last }"},
		{"{\"Log ports\": true,\n}", "config.json:2: found a comma before }"},
		{"{\"Log ports\": true\n\"Log commands\": true}",
		 "config.json:2: found \"Log behind the value of \"Log ports\", allowed: a comma or }"},
		{"{\"Log ports\" true}", "found a key without a colon"},
		{"{Log: true}", "found a key that is no string"},
		{"{\"Log ports\": }", "found no value at }"},
		{"{\"Log ports\"", "found a key without a colon behind it at the end of the file"},
		{"{\"Log ports\": true", "found the end of the file behind the value of \"Log ports\""},
		{"{\"Dash theme\": \"x}", "found a string that does not end"},
		{"{\"Dash theme\": \"x\n\"}", "found a string that does not end on its line"},
		{"{\"Dash theme\": \"\\u0000\"}", "found a NUL character in a string"},
		{"{\"Dash theme\": \"\\ud800\"}", "\"Dash theme\": found \"\\ud800\", allowed: a string"},
		{"{\"Dash theme\": \"\x01\"}", "a control character in a string"},
		{"{\"Dash theme\": \"\xff\"}", "found the byte \\xff, allowed: UTF-8"},
		{"{\"DB sql server\": [[[[[[[[[1]]]]]]]]]}", "values nested too deep"},
		{"{\"DB sql server\": {]}", "brackets that do not match"},
		{"", "config.json:1: found the end of the file, allowed: { \"key\""},
		{"[]", "config.json:1: found [], allowed: {"},
		{"{}\n/* x", "config.json:2: found a comment that does not end"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(bad[i][0], bad[i][1]);
}

static void test_all_refusals(void **state)
{
	struct settings s;
	struct heard h;

	(void)state;
	assert_int_equal(
		parse(&s,
		      "{\n\"DB sql log\": 1,\n\"Nonsense\": [1, {\"a\": 2}],\n\"Log ignore\": [0,\n70000, "
		      "\"10.0.0.1/8\"],\n\"Log ports\": 3}\ntail",
		      &h),
		-EINVAL);
	assert_int_equal(h.n_refused, 7);
	assert_non_null(strstr(h.refused, "config.json:4: \"Log ignore\": found 0,"));
	assert_non_null(strstr(h.refused, "config.json:5: \"Log ignore\": found 70000,"));
	assert_non_null(strstr(h.refused, "config.json:6: \"Log ports\""));
	assert_non_null(strstr(h.refused, "config.json:7: found tail behind"));
}

static void test_bytes(void **state)
{
	static const char nul[] = "{\"Log ports\": \0true}";
	struct settings s;
	struct heard h;
	char *big;

	(void)state;
	assert_int_equal(parse_len(&s, nul, sizeof(nul) - 1, &h), -EINVAL);
	assert_non_null(strstr(h.refused, "config.json:1: found a NUL byte"));
	big = malloc(WIRE_SETTINGS_MAX + 1);
	assert_non_null(big);
	memset(big, ' ', WIRE_SETTINGS_MAX + 1);
	memcpy(big, "{}", 2);
	assert_int_equal(parse_len(&s, big, WIRE_SETTINGS_MAX, &h), 0);
	settings_free(&s);
	assert_int_equal(parse_len(&s, big, WIRE_SETTINGS_MAX + 1, &h), -EINVAL);
	assert_non_null(strstr(h.refused, "found 61441 bytes, allowed: 61440"));
	memset(big, '[', WIRE_SETTINGS_MAX);
	assert_int_equal(parse_len(&s, big, WIRE_SETTINGS_MAX, &h), -EINVAL);
	free(big);
}

/* Whatever the file is cut to, it is refused (or nothing but white space was cut), never read past. */
static void test_truncated(void **state)
{
	struct settings s;
	struct heard h;
	size_t len = strlen(seed), i;
	char *copy;

	(void)state;
	for (i = 0; i < len; i++) {
		copy = malloc(i ? i : 1); /* so that reading past it is seen by the sanitizers */
		assert_non_null(copy);
		memcpy(copy, seed, i);
		if (parse_len(&s, copy, i, &h) == 0) {
			assert_int_equal(i, len - 1);
			settings_free(&s);
		} else {
			assert_true(h.n_refused > 0);
		}
		free(copy);
	}
}

static void test_notices(void **state)
{
	struct settings s;
	struct heard h;

	(void)state;
	assert_int_equal(parse(&s,
			       "{\"Desktop notifications\": false, \"GeoIP lookup\": false, \"Read names "
			       "from traffic\":"
			       "false,\n\"VT API key\": \"abc\",\n\"VT file upload\": true,\n"
			       "\"DB sql server\": {\"client\": \"pymysql\"},\n\"Dash theme\": \"dark\"}",
			       &h),
			 0);
	assert_null(strstr(h.noticed, "VT file upload"));
	assert_non_null(
		strstr(h.noticed, "config.json:4: \"DB sql server\": no copy is made: client pymysql"));
	assert_non_null(strstr(h.noticed, "config.json:5: \"Dash theme\""));
	assert_null(strstr(h.noticed, "abc"));
	settings_free(&s);
}

static void test_strip(void **state)
{
	size_t len;
	char *text = settings_strip(seed, strlen(seed), &len);
	struct settings s;
	struct heard h;

	(void)state;
	assert_non_null(text);
	assert_int_equal(strlen(text), len);
	assert_null(strchr(text, '#'));
	assert_true(len < strlen(seed) / 2);
	assert_int_equal(parse(&s, text, &h), 0);
	assert_int_equal(s.ring_pages, 256);
	settings_free(&s);
	free(text);
	text = settings_strip("{\"a\": \"x  // \\\" #y\"} # c", 25, &len);
	assert_string_equal(text, "{\"a\": \"x  // \\\" #y\"} ");
	free(text);
}

static void test_load(void **state)
{
	char path[] = "/tmp/femtosnitch-test-XXXXXX", *text = NULL;
	struct settings s;
	struct heard h = {0};
	size_t len;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, seed, strlen(seed)), strlen(seed));
	close(fd);
	assert_int_equal(settings_load(&s, path, &text, &len, refuse, notice, &h), 0);
	assert_int_equal(len, strlen(text));
	settings_free(&s);
	free(text);
	unlink(path);
	assert_int_equal(settings_load(&s, path, NULL, NULL, refuse, notice, &h), -ENOENT);
	assert_non_null(strstr(h.refused, "No such file"));
	assert_int_equal(settings_load(&s, "/tmp", NULL, NULL, refuse, notice, &h), -EISDIR);
	assert_int_equal(settings_load(&s, "/dev/zero", NULL, NULL, refuse, notice, &h), -EINVAL);
}

/* What an owner of the directory could have root read for him. */
static void test_links(void **state)
{
	char dir[] = "/tmp/femtosnitch-test-XXXXXX", path[64], other[] = "/tmp/femtosnitch-test-XXXXXX";
	const uid_t owner = 4343;
	struct settings s;
	struct heard h = {0};
	int fd = mkstemp(other);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "root:secret\n", 12), 12);
	close(fd);
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/config.json", dir);
	/* In a directory of our own a link is followed. */
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(settings_load(&s, path, NULL, NULL, refuse, notice, &h), -EINVAL);
	assert_non_null(strstr(h.refused, "secret"));
	if (geteuid() == 0) {
		assert_int_equal(chown(dir, owner, owner), 0);
		memset(&h, 0, sizeof(h));
		assert_int_equal(settings_load(&s, path, NULL, NULL, refuse, notice, &h), -EXDEV);
		assert_null(strstr(h.refused, "secret"));
		assert_non_null(strstr(h.refused, "somebody else"));
		/* So could anybody in a directory that all may write. */
		assert_int_equal(chown(dir, 0, 0), 0);
		assert_int_equal(chmod(dir, 01777), 0);
		assert_int_equal(settings_load(&s, path, NULL, NULL, refuse, notice, &h), -EXDEV);
		assert_int_equal(chmod(dir, 0755), 0);
		assert_int_equal(chown(dir, owner, owner), 0);
		unlink(path);
		assert_int_equal(link(other, path), 0);
		assert_int_equal(settings_load(&s, path, NULL, NULL, refuse, notice, &h), -EXDEV);
		/* A file that root put there, and a link to one of his own. */
		unlink(other);
		assert_int_equal(settings_load(&s, path, NULL, NULL, refuse, notice, &h), -EINVAL);
		assert_int_equal(rename(path, other), 0);
		assert_int_equal(chown(other, owner, owner), 0);
		assert_int_equal(symlink(other, path), 0);
		assert_int_equal(settings_load(&s, path, NULL, NULL, refuse, notice, &h), -EINVAL);
	}
	unlink(path);
	unlink(other);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seed),	     cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_good),	     cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_all_refusals), cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_truncated),    cmocka_unit_test(test_notices),
		cmocka_unit_test(test_strip),	     cmocka_unit_test(test_load),
		cmocka_unit_test(test_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
