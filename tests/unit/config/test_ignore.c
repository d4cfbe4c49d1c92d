// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_ignore.c - "Log ignore": how entries are understood, which are refused, and what they hide.
 */
#include "config/settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define HASH "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static char refused[1024], noticed[1024];

static void refuse(void *arg, const char *line)
{
	(void)arg;
	snprintf(refused, sizeof(refused), "%s", line);
}

static void notice(void *arg, const char *line)
{
	(void)arg;
	if (!strstr(line, "not in this build"))
		snprintf(noticed, sizeof(noticed), "%s", line);
}

static int parse(struct settings *s, const char *list)
{
	char text[2048];

	refused[0] = noticed[0] = '\0';
	snprintf(text, sizeof(text), "{\"Log ignore\": %s}", list);
	return settings_parse(s, "c", text, strlen(text), refuse, notice, NULL);
}

static void test_understood(void **state)
{
	static const char *const table[][2] = {
		{"443", "port 443"},
		{"\"192.0.2.1\"", "192.0.2.1"},
		{"\"192.0.2.1/32\"", "192.0.2.1"},
		{"\"192.0.2.0/24\"", "192.0.2.0/24"},
		{"\"0.0.0.0/0\"", "0.0.0.0/0"},
		{"\"2001:DB8::/32\"", "2001:db8::/32"},
		{"\"::1\"", "::1"},
		{"\"::ffff:192.0.2.0/120\"", "192.0.2.0/24"},
		{"\"com.Example\"", "domain example.com and below"},
		{"\"com.example.www\"", "domain www.example.com and below"},
		{"\".example.com\"", "domain example.com and below"},
		{"\"local\"", "domain local and below"},
		{"\"com.caf\xc3\xa9\"", "domain caf\xc3\xa9.com and below"},
		{"\"com.\xe2\x80\xae\xc2\x9b\"", "domain \\xe2\\x80\\xae\\xc2\\x9b.com and below"},
		{"\"com.my_host.a-b\"", "domain a-b.my_host.com and below"},
		{"\"" HASH "\"", "SHA-256 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"},
	};
	struct settings s;
	char list[256], text[512];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(list, sizeof(list), "[%s]", table[i][0]);
		if (parse(&s, list) != 0)
			fail_msg("%s: %s", list, refused);
		assert_int_equal(s.n_ignore, 1);
		assert_int_equal(settings_rule_text(&s.ignore[0], text, sizeof(text)), strlen(table[i][1]));
		assert_string_equal(text, table[i][1]);
		settings_free(&s);
	}
}

static void test_refused(void **state)
{
	static const char *const table[][2] = {
		{"0", "a port from 1 to 65535"},
		{"65536", "a port from 1 to 65535"},
		{"-1", "a port from 1 to 65535"},
		{"443.5", "a port from 1 to 65535"},
		{"true", "a port from 1 to 65535, or a string"},
		{"[1]", "a port from 1 to 65535, or a string"},
		{"\"443\"", "a port as a number without quotes"},
		{"\"192.0.2.1/24\"", "the network is 192.0.2.0/24"},
		{"\"2001:db8::1/32\"", "the network is 2001:db8::/32"},
		{"\"192.0.2.0/33\"", "a prefix from 0 to 32"},
		{"\"::/129\"", "a prefix from 0 to 128"},
		{"\"192.0.2.0/\"", "a prefix from 0 to 32"},
		{"\"192.0.2.0/+8\"", "a prefix from 0 to 32"},
		{"\"192.0.2\"", "an address like"},
		{"\"192.0.2.256\"", "an address like"},
		{"\"fe80::1%eth0\"", "an address like"},
		{"\"https://example.com\"", "an address like"},
		{"\"\"", "an address, a network"},
		{"\".\"", "an address like"},
		{"\"com..example\"", "an address, a network"},
		{"\"com.example.\"", "an address, a network"},
		{"\"*.example.com\"", "an address, a network"},
		{"\"com example\"", "an address, a network"},
		{"\"com.ex\\u0007ample\"", "an address, a network"},
	};
	struct settings s;
	char list[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(list, sizeof(list), "[%s]", table[i][0]);
		if (parse(&s, list) != -EINVAL)
			fail_msg("%s is accepted", list);
		if (!strstr(refused, table[i][1]))
			fail_msg("%s: wanted \"%s\", got: %s", list, table[i][1], refused);
	}
}

static void test_natural_order(void **state)
{
	struct settings s;

	(void)state;
	assert_int_equal(parse(&s, "[\"example.com\"]"), 0);
	assert_non_null(strstr(
		noticed, "\"example.com\" is reverse notation, so it means domain com.example and below"));
	settings_free(&s);
	assert_int_equal(parse(&s, "[\"com.example\", \".example.com\", \"com.net\"]"), 0);
	assert_string_equal(noticed, "");
	settings_free(&s);
}

static bool hides(const char *list, const char *laddr, const char *raddr, uint16_t lport, uint16_t rport,
		  const uint8_t *sha256, const char *domain)
{
	int family = strchr(raddr, ':') ? AF_INET6 : AF_INET;
	uint8_t l[16] = {0}, r[16] = {0};
	struct settings s;
	bool hidden;

	assert_int_equal(parse(&s, list), 0);
	assert_int_equal(inet_pton(family, laddr, l), 1);
	assert_int_equal(inet_pton(family, raddr, r), 1);
	hidden = settings_ignored(&s, family, l, r, lport, rport, sha256, domain);
	settings_free(&s);
	return hidden;
}

static void test_addresses(void **state)
{
	(void)state;
	assert_false(hides("[]", "10.0.0.1", "192.0.2.7", 1, 2, NULL, NULL));
	assert_true(hides("[\"192.0.2.7\"]", "10.0.0.1", "192.0.2.7", 1, 2, NULL, NULL));
	assert_true(hides("[\"10.0.0.0/8\"]", "10.0.0.1", "192.0.2.7", 1, 2, NULL, NULL));
	assert_true(hides("[\"192.0.2.4/30\"]", "10.0.0.1", "192.0.2.7", 1, 2, NULL, NULL));
	assert_false(hides("[\"192.0.2.8/30\"]", "10.0.0.1", "192.0.2.7", 1, 2, NULL, NULL));
	assert_true(hides("[\"0.0.0.0/0\"]", "10.0.0.1", "192.0.2.7", 1, 2, NULL, NULL));
	assert_false(hides("[\"0.0.0.0/0\"]", "::1", "::2", 1, 2, NULL, NULL));
	assert_false(hides("[\"::/0\"]", "10.0.0.1", "192.0.2.7", 1, 2, NULL, NULL));
	assert_true(hides("[\"2001:db8::/33\"]", "::1", "2001:db8:7fff::1", 1, 2, NULL, NULL));
	assert_false(hides("[\"2001:db8::/33\"]", "::1", "2001:db8:8000::1", 1, 2, NULL, NULL));
	assert_true(hides("[\"::1\"]", "::1", "::2", 1, 2, NULL, NULL));
}

static void test_ports_and_hashes(void **state)
{
	uint8_t sha256[32];
	int i;

	(void)state;
	for (i = 0; i < 32; i++)
		sha256[i] = (uint8_t)(i % 16 * 0x11);
	assert_true(hides("[80, 443]", "10.0.0.1", "192.0.2.7", 1, 443, NULL, NULL));
	assert_true(hides("[443]", "10.0.0.1", "192.0.2.7", 443, 1, NULL, NULL));
	assert_false(hides("[443]", "10.0.0.1", "192.0.2.7", 4433, 44, NULL, NULL));
	/* The seed took 443 for the address 0.0.1.187. */
	assert_false(hides("[443]", "0.0.1.187", "0.0.1.187", 1, 2, NULL, NULL));
	assert_true(hides("[\"" HASH "\"]", "10.0.0.1", "192.0.2.7", 1, 2, sha256, NULL));
	sha256[31] ^= 1;
	assert_false(hides("[\"" HASH "\"]", "10.0.0.1", "192.0.2.7", 1, 2, sha256, NULL));
	assert_false(hides("[\"" HASH "\"]", "10.0.0.1", "192.0.2.7", 1, 2, NULL, NULL));
}

static void test_domains(void **state)
{
	static const struct {
		const char *rule, *domain;
		bool hidden;
	} table[] = {
		{"[\"com.example\"]", "example.com", true},
		{"[\"com.example\"]", "www.example.com", true},
		{"[\"com.example\"]", "WWW.EXAMPLE.COM.", true},
		{"[\"com.example\"]", "example.com.evil.net", false},
		{"[\"com.example\"]", "notexample.com", false},
		{"[\"com.exam\"]", "example.com", false}, /* picosnitch compares letters, not labels */
		{"[\"com.example.www\"]", "example.com", false},
		{"[\".example.com\"]", "a.b.example.com", true},
		{"[\"com.example\"]", "", false},
		{"[\"com.example\"]", ".", false},
		{"[\"com.example\"]", NULL, false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (hides(table[i].rule, "10.0.0.1", "192.0.2.7", 1, 2, NULL, table[i].domain) !=
		    table[i].hidden)
			fail_msg("%s, %s", table[i].rule, table[i].domain ? table[i].domain : "no domain");
}

static void test_too_many(void **state)
{
	static char text[40000];
	struct settings s;
	size_t len, i;

	(void)state;
	strcpy(text, "{\"Log ignore\": [1");
	len = strlen(text);
	for (i = 1; i < 4096; i++)
		len += (size_t)sprintf(text + len, ",%zu", i);
	strcpy(text + len, "]}");
	assert_int_equal(settings_parse(&s, "c", text, strlen(text), refuse, NULL, NULL), 0);
	assert_int_equal(s.n_ignore, 4096);
	settings_free(&s);
	strcpy(text + len, ",5,6,7]}");
	assert_int_equal(settings_parse(&s, "c", text, strlen(text), refuse, NULL, NULL), -EINVAL);
	assert_non_null(strstr(refused, "found more than 4096 entries"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_understood), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_addresses),  cmocka_unit_test(test_natural_order),
		cmocka_unit_test(test_domains),	   cmocka_unit_test(test_ports_and_hashes),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
