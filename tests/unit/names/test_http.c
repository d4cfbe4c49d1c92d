// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_http.c - requests as curl sent them, to a server and to a proxy, and odd ones; cut at each byte.
 */
#include "collector/names/http.h"

#include "tests/unit/names/vector.h"

static struct vector v;

static const struct {
	const char *vector, *host;
} requests[] = {
	{"http/curl", "plain.example.org"},	{"http/proxy", "far.example.org"},
	{"http/connect", "tunnel.example.org"}, {"http/odd", "odd.example.org"},
	{"http/lf", "lf.example.org"},
};

static void hosts_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct claim claim;

		load(&v, requests[i].vector);
		assert_int_equal(http_request(v.bytes, v.len, &claim), CLAIM_NAME);
		assert_int_equal(claim.len, strlen(requests[i].host));
		assert_memory_equal(claim.host, requests[i].host, claim.len);
	}
}

/* More is asked for up to the name, which is there from some byte on. */
static void the_beginning_asks_for_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		enum claim_found found = CLAIM_MORE;
		struct claim claim;

		load(&v, requests[i].vector);
		for (size_t len = 0; len <= v.len; len++) {
			uint8_t *cut = exactly(v.bytes, len);
			enum claim_found before = found;

			found = http_request(cut, len, &claim);
			assert_true(found == CLAIM_NAME || (found == CLAIM_MORE && before == CLAIM_MORE));
			free(cut);
		}
		assert_int_equal(found, CLAIM_NAME);
	}
}

static void other_bytes_are_refused(void **state)
{
	static const char *const others[] = {
		"GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost:\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"SSH-2.0-OpenSSH_9.2p1 Debian\r\n",
		"EHLO example.org\r\n",
		"get / HTTP/1.1\r\n",
		" GET / HTTP/1.1\r\n",
		"GE / HTTP/1.1\r\n",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
		"\x16\x03\x01",
		"CONNECT  HTTP/1.1\r\n\r\n",
	};
	struct claim claim;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (http_request((const uint8_t *)others[i], strlen(others[i]), &claim) != CLAIM_NONE)
			fail_msg("taken for a request with a host: %s", others[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_are_found),
		cmocka_unit_test(the_beginning_asks_for_more),
		cmocka_unit_test(other_bytes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
