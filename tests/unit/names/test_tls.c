// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_tls.c - ClientHellos as OpenSSL, GnuTLS and curl sent them, and such as browsers do; cut at each byte.
 */
#include "collector/names/tls.h"

#include "tests/unit/names/vector.h"

static struct vector v;

static const struct {
	const char *vector, *host; /* NULL: it has none */
	bool encrypted;
} hellos[] = {
	{"tls/openssl", "openssl.example.org", false},
	{"tls/openssl12", "Old.Example.ORG", false},
	{"tls/gnutls", "gnutls.example.org", false},
	{"tls/curl", "curl.example.org", false},
	{"tls/postquantum", "big.example.org", false},
	{"tls/records", "big.example.org", false}, /* over seventeen records */
	{"tls/ech", "outer.example.net", true},
	{"tls/noname", NULL, false},
};

static void names_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hellos) / sizeof(hellos[0]); i++) {
		struct claim claim;

		load(&v, hellos[i].vector);
		if (!hellos[i].host) {
			assert_int_equal(tls_records(v.bytes, v.len, &claim), CLAIM_NONE);
			continue;
		}
		assert_int_equal(tls_records(v.bytes, v.len, &claim), CLAIM_NAME);
		assert_int_equal(claim.len, strlen(hellos[i].host));
		assert_memory_equal(claim.host, hellos[i].host, claim.len);
		assert_int_equal(claim.encrypted, hellos[i].encrypted);
	}
}

static void the_beginning_asks_for_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hellos) / sizeof(hellos[0]); i++) {
		struct claim claim;

		load(&v, hellos[i].vector);
		for (size_t len = 0; len < v.len; len++) {
			uint8_t *cut = exactly(v.bytes, len);

			assert_int_equal(tls_records(cut, len, &claim), CLAIM_MORE);
			free(cut);
		}
	}
}

static void other_bytes_are_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} others[] = {
		{"GET / HTTP/1.1\r\n", 16},
		{"\x16\x03\x01\x00\x04\x02\x00\x00\x00", 9}, /* a ServerHello */
		{"\x16\x03\x01\x00\x04\x01\xff\xff\xff", 9}, /* 16 MB of hello */
		{"\x16\x03\x01\x00\x00", 5},
		{"\x16\x03\x01\xff\xff", 5},
		{"\x17\x03\x03\x00\x10", 5},
		{"\x16\x04", 2},
	};
	struct claim claim;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(tls_records((const uint8_t *)others[i].bytes, others[i].len, &claim),
				 CLAIM_NONE);
}

/* Any byte may be another one: nothing is read that is not there (under SANITIZE=1 this is seen). */
static void broken_hellos_do_no_harm(void **state)
{
	(void)state;
	load(&v, "tls/gnutls");
	for (size_t i = 0; i < v.len; i++) {
		uint8_t *copy = exactly(v.bytes, v.len);
		struct claim claim;

		copy[i] ^= 0xff;
		if (tls_records(copy, v.len, &claim) == CLAIM_NAME)
			assert_true(claim.len <= v.len);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_found),
		cmocka_unit_test(the_beginning_asks_for_more),
		cmocka_unit_test(other_bytes_are_refused),
		cmocka_unit_test(broken_hellos_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
