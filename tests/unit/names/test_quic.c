// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_quic.c - the packets of RFC 9001 and RFC 9369 (appendix A.2 of each), hellos over several datagrams;
 * cut at each byte. In the vectors of several datagrams each stands behind its length (2 bytes).
 */
#include "collector/names/quic.h"

#include "tests/unit/names/vector.h"

static struct vector v;

static void expect_host(const struct claim *claim, const char *host)
{
	assert_int_equal(claim->len, strlen(host));
	assert_memory_equal(claim->host, host, claim->len);
}

static void vectors_of_the_rfcs_are_read(void **state)
{
	static const char *const vectors[] = {"quic/rfc9001", "quic/rfc9369"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct quic *q = quic_new();
		struct claim claim;

		load(&v, vectors[i]);
		assert_true(quic_begins(v.bytes, v.len));
		assert_int_equal(quic_sent(q, v.bytes, v.len, &claim), CLAIM_NAME);
		expect_host(&claim, "example.com");
		assert_false(claim.encrypted);
		quic_free(q);
	}
}

/* All datagrams of a vector but the last leave something to hope for. */
static void expect_at_the_end(const char *name, const char *host)
{
	struct quic *q = quic_new();
	enum claim_found found = CLAIM_MORE;
	struct claim claim;

	load(&v, name);
	for (size_t at = 0, len; at + 2 <= v.len; at += 2 + len) {
		len = (size_t)v.bytes[at] << 8 | v.bytes[at + 1];
		assert_int_equal(found, CLAIM_MORE);
		found = quic_sent(q, v.bytes + at + 2, len, &claim);
	}
	assert_int_equal(found, CLAIM_NAME);
	expect_host(&claim, host);
	quic_free(q);
}

static void pieces_come_in_any_order(void **state)
{
	(void)state;
	expect_at_the_end("quic/scattered", "big.example.org");
}

static void the_server_may_change_its_id(void **state)
{
	(void)state;
	expect_at_the_end("quic/server-id", "big.example.org");
}

static void a_retry_begins_anew(void **state)
{
	(void)state;
	expect_at_the_end("quic/retry", "big.example.org");
}

static void packets_of_one_call_are_parted(void **state)
{
	struct quic *q = quic_new();
	struct claim claim;

	(void)state;
	load(&v, "quic/coalesced");
	assert_int_equal(quic_sent(q, v.bytes, v.len, &claim), CLAIM_NAME);
	expect_host(&claim, "big.example.org");
	quic_free(q);
}

static void cut_and_broken_packets_do_no_harm(void **state)
{
	(void)state;
	load(&v, "quic/rfc9001");
	for (size_t len = 0; len < v.len; len++) {
		uint8_t *cut = exactly(v.bytes, len);
		struct quic *q = quic_new();
		struct claim claim;

		assert_int_equal(quic_sent(q, cut, len, &claim), CLAIM_NONE);
		quic_free(q);
		free(cut);
	}
	for (size_t i = 0; i < v.len; i++) {
		uint8_t *copy = exactly(v.bytes, v.len);
		struct quic *q = quic_new();
		struct claim claim;

		copy[i] ^= 0x41;
		assert_int_equal(quic_sent(q, copy, v.len, &claim),
				 CLAIM_NONE); /* the tag covers each byte */
		quic_free(q);
		free(copy);
	}
}

static void other_versions_are_left_alone(void **state)
{
	(void)state;
	assert_false(quic_begins((const uint8_t *)"\xc0\0\0\0\0", 5));
	assert_false(quic_begins((const uint8_t *)"\xc0\xff\0\0\x1d", 5));
	assert_false(quic_begins((const uint8_t *)"\x40\0\0\0\1", 5));
	assert_false(quic_begins((const uint8_t *)"\xd0\0\0\0\1", 5)); /* 0-RTT */
	assert_false(quic_begins((const uint8_t *)"\xc0\0\0\0", 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_of_the_rfcs_are_read),
		cmocka_unit_test(pieces_come_in_any_order),
		cmocka_unit_test(the_server_may_change_its_id),
		cmocka_unit_test(a_retry_begins_anew),
		cmocka_unit_test(packets_of_one_call_are_parted),
		cmocka_unit_test(cut_and_broken_packets_do_no_harm),
		cmocka_unit_test(other_versions_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
