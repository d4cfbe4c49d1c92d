// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_domain.c - whatever bytes a name has, what comes out passes the check of the wire and means one name
 * only.
 */
#include "config/domain.h"

#include "tests/unit/names/vector.h"

static void check_host(const char *host, size_t len, const char *want)
{
	char text[WIRE_DOMAIN_MAX];
	size_t got = domain_of_host(text, host, len);

	if (!want) {
		assert_int_equal(got, 0);
		return;
	}
	assert_int_equal(got, strlen(want) + 1);
	assert_string_equal(text, want);
}

#define HOST(host, want) check_host(host, sizeof(host) - 1, want)

static void hosts_are_written_one_way(void **state)
{
	(void)state;
	HOST("www.example.org", "www.example.org");
	HOST("WWW.Example.ORG.", "www.example.org");
	HOST("_dmarc.a-b.example", "_dmarc.a-b.example");
	HOST("localhost", "localhost");
	HOST("a b\0c\xff", "a\\032b\\000c\\255");
	HOST("\\046", "\\092046"); /* nobody writes our escapes for us */
	HOST("..", "\\046");
	HOST(".a..b.", "\\046a.\\046b");
	HOST("\x1b[31m\n", "\\027\\09131m\\010");
	HOST("b\xc3\xbc"
	     "cher.example",
	     "b\\195\\188cher.example");
}

static void addresses_and_nothing_are_no_names(void **state)
{
	char longest[256];

	(void)state;
	HOST("", NULL);
	HOST(".", NULL);
	HOST("192.0.2.1", NULL);
	HOST("192.0.2.1.", NULL);
	HOST("2001:db8::1", NULL);
	memset(longest, 'a', sizeof(longest));
	check_host(longest, 256, NULL);
	memset(longest, '\n', sizeof(longest));
	{
		char text[WIRE_DOMAIN_MAX];

		assert_int_equal(domain_of_host(text, longest, 255), 255 * 4 + 1);
	}
}

static void labels_may_hold_dots(void **state)
{
	char text[WIRE_DOMAIN_MAX];

	(void)state;
	assert_int_equal(domain_of_labels(text, (const uint8_t *)"\3a.b\3ORG"), sizeof("a\\046b.org"));
	assert_string_equal(text, "a\\046b.org");
	assert_int_equal(domain_of_labels(text, (const uint8_t *)""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_are_written_one_way),
		cmocka_unit_test(addresses_and_nothing_are_no_names),
		cmocka_unit_test(labels_may_hold_dots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
