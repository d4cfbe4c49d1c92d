// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_credential.c - secrets come in where they are asked for, and nowhere else; none is said in a message.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/credential.h"

static char dir[64], why[CREDENTIAL_WHY];

static void put(const char *name, const char *text, size_t len)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fwrite(text, 1, len, f);
	fclose(f);
}

static int before(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/femtosnitch-credential-XXXXXX");
	assert_non_null(mkdtemp(dir));
	put("vt", "s3cr3t\nsecond line\n", 19);
	put("pg", "a\"b\\c\td", 7);
	put("empty", "\n", 1);
	put("binary", "\xff\xfe", 2);
	return setenv("CREDENTIALS_DIRECTORY", dir, 1);
}

static int after(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

/* What becomes of it; NULL: refused. */
static const char *filled(const char *text)
{
	static char last[8192];
	size_t len = 0;
	char *out = credential_fill(text, strlen(text), &len, why);

	if (!out)
		return NULL;
	assert_int_equal(strlen(out), len);
	snprintf(last, sizeof(last), "%s", out);
	credential_erase(out, len);
	return last;
}

static void test_filled(void **state)
{
	(void)state;
	assert_string_equal(filled("{\"VT API key\": \"credential:vt\"}"), "{\"VT API key\": \"s3cr3t\"}");
	assert_string_equal(
		filled("{ \"DB text log\": true, \"DB sql server\": {\"host\": \"a\", \"password\" : "
		       "\"credential:pg\" }, \"VT API key\":\"x\" }"),
		"{ \"DB text log\": true, \"DB sql server\": {\"host\": \"a\", \"password\" : "
		"\"a\\\"b\\\\c\\u0009d\" }, \"VT API key\":\"x\" }");
}

static void test_left_alone(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"Log ignore\": [\"credential:vt\", 53], \"Dash theme\": \"credential:vt\"}",
		"{\"VT API key\": \"my credential:vt\"}",
		"{\"VT API key\": \"\\\"credential:vt\"}",
		"{\"DB sql server\": {}, \"VT API key\": \"\"}",
		"{\"DB sql server\": \"host=a password=credential:vt\"}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_string_equal(filled(texts[i]), texts[i]);
}

static void refused(const char *name, const char *want)
{
	char text[256];

	snprintf(text, sizeof(text), "{\"VT API key\": \"credential:%s\"}", name);
	assert_null(filled(text));
	assert_string_equal(why, want);
}

static void test_refused(void **state)
{
	static char much[CREDENTIAL_MAX + 1];

	(void)state;
	memset(much, 'x', sizeof(much));
	put("much", much, sizeof(much));
	refused("none", "\"VT API key\": credential none: No such file or directory");
	refused("empty", "\"VT API key\": credential empty: empty");
	refused("binary", "\"VT API key\": credential binary: not text");
	refused("much", "\"VT API key\": credential much: too long");
	refused("../vt", "\"VT API key\": credential ?: its name is not of letters, digits, dots, - and _");
	refused("", "\"VT API key\": credential ?: its name is not of letters, digits, dots, - and _");
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	refused("vt", "\"VT API key\": credential vt: there are none here; the unit says which it has: "
		      "LoadCredential=");
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
}

/* Whatever it is given, it ends, and reads no byte too many. */
static void test_cut(void **state)
{
	static const char text[] =
		"{\"VT API key\": \"credential:vt\", \"DB sql server\": {\"a\": \"b\\\"\"}}";
	size_t len, out_len;
	char *copy;

	(void)state;
	for (len = 0; len < strlen(text); len++) {
		copy = malloc(len + 1);
		memcpy(copy, text, len);
		copy[len] = '\0';
		credential_erase(credential_fill(copy, len, &out_len, why), 0);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filled),
		cmocka_unit_test(test_left_alone),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, before, after);
}
