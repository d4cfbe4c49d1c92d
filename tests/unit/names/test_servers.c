// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_servers.c - resolv.conf(5) whole, in pieces, and cut off at each byte: whoever is named, and nobody
 * else.
 */
#include "collector/names/servers.h"

#include <arpa/inet.h>

#include "tests/unit/names/vector.h"

static const char usual[] = "# nameserver 192.0.2.9\n"
			    "search example.org\n"
			    "nameserver 192.0.2.1\n"
			    "nameserver\t2001:db8::1 # the second\n"
			    "nameserver fe80::1%eth0\n"
			    "nameservers 192.0.2.8\n"
			    "options nameserver 192.0.2.7\n"
			    "nameserver 192.0.2.2";

static void read_file(struct servers *s, const char *text, size_t len, size_t n)
{
	for (size_t at = 0; at == 0 || at < len; at += n) {
		struct wire_hosts piece = {.netns = 9,
					   .text_len = (__u32)(len - at < n ? len - at : n),
					   .file = WIRE_HOSTS_SERVERS};
		uint8_t *copy = exactly((const uint8_t *)text + at, piece.text_len);

		piece.flags = (at == 0 ? WIRE_HOSTS_FIRST : 0) | (at + n >= len ? WIRE_HOSTS_LAST : 0);
		servers_piece(s, &piece, (const char *)copy);
		free(copy);
	}
}

static bool is_one(const struct servers *s, const char *address)
{
	struct wire_payload p = {.netns = 9, .family = strchr(address, ':') ? AF_INET6 : AF_INET};

	assert_int_equal(inet_pton(p.family, address, p.raddr), 1);
	return servers_answered(s, &p);
}

static void in_pieces(void **state)
{
	(void)state;
	for (size_t n = 1; n <= sizeof(usual); n++) {
		struct servers *s = servers_new();

		assert_non_null(s);
		read_file(s, usual, sizeof(usual) - 1, n);
		assert_true(is_one(s, "192.0.2.1") && is_one(s, "2001:db8::1") && is_one(s, "fe80::1") &&
			    is_one(s, "192.0.2.2"));
		assert_false(is_one(s, "192.0.2.7") || is_one(s, "192.0.2.8") || is_one(s, "192.0.2.9") ||
			     is_one(s, "0.0.0.0"));
		servers_free(s);
	}
}

static void cut_at_each_byte(void **state)
{
	struct servers *s = servers_new();

	(void)state;
	assert_non_null(s);
	for (size_t len = 0; len < sizeof(usual); len++) {
		read_file(s, usual, len, sizeof(usual));
		assert_int_equal(is_one(s, "192.0.2.1"), len >= (size_t)(strstr(usual, "2.1\n") + 3 - usual));
		assert_int_equal(is_one(s, "2001:db8::1"),
				 len >= (size_t)(strstr(usual, "::1 #") + 3 - usual));
		assert_false(is_one(s, "192.0.2.9"));
	}
	servers_free(s);
}

/* More than are kept: the first of them, and no harm. */
static void too_many(void **state)
{
	static char text[64 * 32];
	struct servers *s = servers_new();
	size_t len = 0;

	(void)state;
	assert_non_null(s);
	for (unsigned i = 1; i <= 64; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "nameserver 198.51.100.%u\n", i);
	read_file(s, text, len, 100);
	assert_true(is_one(s, "198.51.100.1") && is_one(s, "198.51.100.16"));
	assert_false(is_one(s, "198.51.100.17"));
	read_file(s, "", 0, 1);
	assert_false(is_one(s, "198.51.100.1"));
	servers_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_pieces),
		cmocka_unit_test(cut_at_each_byte),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
