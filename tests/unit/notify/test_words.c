// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_words.c - what bubbles say, how urgent it is, and that nothing foreign in them is markup or moves a
 * cursor.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/notify/words.h"

static struct words w;

static void say(const struct notice *n, bool markup)
{
	words_free(&w);
	words_of(&w, n, 1, markup);
}

static void test_kinds(void **state)
{
	struct notice n = {.kind = "new",
			   .exe = "/usr/bin/curl",
			   .name = "curl",
			   .text = "started by bash: curl x",
			   .user = "eve"};

	(void)state;
	say(&n, false);
	assert_string_equal(w.title, "New on the network: curl");
	assert_string_equal(w.body, "/usr/bin/curl\nstarted by bash: curl x\nuser eve");
	assert_int_equal(w.urgency, WORDS_NORMAL);
	n.kind = "verdict";
	n.text = "VirusTotal: malicious; 5 of 56 engines find it malicious, 1 suspicious";
	say(&n, false);
	assert_string_equal(w.title, "VirusTotal warns of curl");
	assert_int_equal(w.urgency, WORDS_URGENT);
	n = (struct notice){.kind = "loss", .text = "nobody watched"};
	say(&n, false);
	assert_string_equal(w.title, "femtosnitch did not see everything");
	assert_string_equal(w.body, "nobody watched");
	n.kind = "new"; /* the introduction: about no program */
	say(&n, false);
	assert_string_equal(w.title, "femtosnitch");
	n.kind = "of another version";
	say(&n, false);
	assert_string_equal(w.title, "femtosnitch");
}

static void test_packages(void **state)
{
	struct notice n = {.kind = "changed",
			   .exe = "/usr/bin/openssl",
			   .name = "openssl",
			   .text = "",
			   .package = "openssl",
			   .version = "3.0.15",
			   .manager = "dpkg",
			   .explained = "yes",
			   .run = 7,
			   .members = 1,
			   .packages = 1};

	(void)state;
	say(&n, false);
	assert_string_equal(w.title, "dpkg updated openssl 3.0.15");
	assert_string_equal(w.body, "/usr/bin/openssl has new contents, as the package brought them.");
	assert_int_equal(w.urgency, WORDS_LOW);
	n.members = 12;
	say(&n, false);
	assert_string_equal(w.title, "dpkg updated openssl 3.0.15");
	assert_string_equal(w.body, "12 programs have new contents, all as the package brought them.");
	n.packages = 3;
	say(&n, false);
	assert_string_equal(w.title, "dpkg updated 3 packages, openssl 3.0.15 among them");
	n.explained = "no";
	n.run = 0;
	say(&n, false);
	assert_string_equal(w.title, "Changed program on the network: openssl");
	assert_string_equal(
		w.body,
		"/usr/bin/openssl\nIts contents are not those that its package (openssl 3.0.15) brought.");
	assert_int_equal(w.urgency, WORDS_URGENT);
	n.package = n.explained = NULL;
	say(&n, false);
	assert_string_equal(
		w.body, "/usr/bin/openssl\nIts contents are not those it had, and no package brought them.");
	assert_int_equal(w.urgency, WORDS_URGENT);
}

static void test_hostile(void **state)
{
	struct notice n = {.kind = "changed",
			   .exe = "/tmp/<a href=\"x\">&\033[2J\nhi",
			   .name = "<b>x</b>\007",
			   .text = "started by <img>",
			   .package = "<p>",
			   .version = "%s%n",
			   .explained = "no",
			   .user = "<u>"};

	(void)state;
	say(&n, true);
	assert_null(strpbrk(w.body, "<>\033"));
	assert_non_null(strstr(w.body, "&lt;a href="));
	assert_non_null(strstr(w.body, "(&lt;p&gt; %s%n)"));
	assert_null(strpbrk(w.title, "\007\n"));
	say(&n, false);
	assert_null(strpbrk(w.body, "<>\033"));
	n.explained = "yes";
	say(&n, true);
	assert_null(strpbrk(w.body, "<>"));
	words_free(&w);
	words_of_rest(&w, &(struct words_rest){.count = 12, .names = "<b>, c"}, true);
	assert_string_equal(w.title, "12 more on the network");
	assert_string_equal(w.body, "&lt;b&gt;, c");
	words_free(&w);
	words_of_rest(&w, &(struct words_rest){.count = 12, .urgent = 2, .names = ""}, true);
	assert_string_equal(w.title, "12 more on the network, 2 of them changed by no package");
	assert_int_equal(w.urgency, WORDS_URGENT);
}

static void test_long(void **state)
{
	static char text[20000];
	struct notice n = {.kind = "changed",
			   .exe = text,
			   .name = text,
			   .text = text,
			   .package = text,
			   .version = text,
			   .manager = text,
			   .user = text,
			   .explained = "yes"};

	(void)state;
	memset(text, '&', sizeof(text) - 1);
	say(&n, true);
	assert_true(strlen(w.title) < 400 && strlen(w.body) < 5 * WORDS_BODY_MAX + 200);
	n.explained = NULL;
	say(&n, true);
	assert_true(strlen(w.title) < 400 && strlen(w.body) < 4 * 5 * WORDS_BODY_MAX + 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_packages),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_long),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	words_free(&w);
	return failed;
}
