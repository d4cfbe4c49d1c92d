// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_ask.c - what a server's answer means, cut at each byte too: nothing but a whole report is a verdict.
 * And where a large file may go.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/virustotal/ask.h"

static const char report[] =
	"{\"data\":{\"attributes\":{\"last_analysis_stats\":{\"malicious\":2,\"suspicious\":1,"
	"\"harmless\":0,\"undetected\":60}}}}";

/* From a copy that ends where the text does. */
static int read_report(const char *json, size_t len, struct ask_answer *answer)
{
	char *copy = malloc(len ? len : 1);
	int rc;

	memcpy(copy, json, len);
	rc = ask_report(copy, len, answer);
	free(copy);
	return rc;
}

static void test_report(void **state)
{
	struct ask_answer a = {0};

	(void)state;
	assert_int_equal(read_report(report, strlen(report), &a), 0);
	assert_int_equal(a.verdict, WIRE_VERDICT_MALICIOUS);
	assert_string_equal(a.detail, "2 of 63 engines find it malicious, 1 suspicious");
}

static void test_cut(void **state)
{
	struct ask_answer a;
	size_t len;

	(void)state;
	for (len = 0; len < strlen(report); len++)
		assert_int_equal(read_report(report, len, &a), -EPROTO);
}

static void test_nonsense(void **state)
{
	static const char *const texts[] = {"",
					    "{}",
					    "[]",
					    "null",
					    "\"x\"",
					    "{\"data\":[]}",
					    "{\"data\":{\"attributes\":7}}",
					    "{\"data\":{\"attributes\":{\"last_analysis_stats\":[1]}}}",
					    "{\"data\":{\"attributes\":{\"last_analysis_stats\":null}}}"};
	static const char odd[] = "{\"data\":{\"attributes\":{\"last_analysis_stats\":{\"malicious\":1e99,"
				  "\"suspicious\":-4,\"harmless\":\"9\"}}}}";
	struct ask_answer a;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(read_report(texts[i], strlen(texts[i]), &a), -EPROTO);
	/* numbers that are none count as 0, and 0 of all is no verdict */
	assert_int_equal(read_report(odd, strlen(odd), &a), 0);
	assert_int_equal(a.verdict, WIRE_VERDICT_UNKNOWN);
}

static void test_text(void **state)
{
	static const char good[] = "{\"data\":\"https://a/b\"}";
	char url[16];
	size_t len;

	(void)state;
	assert_true(ask_text(good, strlen(good), url, sizeof(url)));
	assert_string_equal(url, "https://a/b");
	assert_false(ask_text(good, strlen(good), url, 11)); /* does not fit with its end */
	for (len = 0; len < strlen(good); len++)
		assert_false(ask_text(good, len, url, sizeof(url)));
	assert_false(ask_text("{\"data\":{}}", 11, url, sizeof(url)));
}

static void test_house(void **state)
{
	static const struct {
		const char *base, *named, *url;
	} rows[] = {
		{"https://www.virustotal.com/api/v3", "https://www.virustotal.com/_ah/upload/x",
		 "https://www.virustotal.com/_ah/upload/x"},
		{"https://www.virustotal.com/api/v3", "https://bigfiles.virustotal.com/x",
		 "https://bigfiles.virustotal.com/x"},
		{"https://www.virustotal.com/api/v3", "http://www.virustotal.com/x",
		 "https://www.virustotal.com/x"},
		{"https://www.virustotal.com/api/v3", "https://evil.com/x", NULL},
		{"https://www.virustotal.com/api/v3", "https://evilvirustotal.com/x", NULL},
		{"https://www.virustotal.com/api/v3", "https://www.virustotal.com:8443/x", NULL},
		{"https://www.virustotal.com/api/v3", "https://www.virustotal.com@evil.com/x", NULL},
		{"https://mirror.example/vt", "https://www.virustotal.com/x", NULL},
		{"https://mirror.example/vt", "https://mirror.example/x", "https://mirror.example/x"},
		{"http://127.0.0.1:8080/api", "http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"},
		{"http://127.0.0.1:8080/api", "http://127.0.0.1:9090/x", NULL},
		{"https://mirror.example/vt", "/x", NULL},
		{"https://mirror.example/vt", "", NULL},
		{"https://mirror.example/vt", "file:///etc/shadow", NULL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *url = http_same_house(rows[i].base, rows[i].named);

		if (rows[i].url)
			assert_string_equal(url, rows[i].url);
		else
			assert_null(url);
		free(url);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_report), cmocka_unit_test(test_cut),   cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_text),   cmocka_unit_test(test_house),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
