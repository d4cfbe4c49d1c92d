// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_dns.c - messages in the layout of real servers, and in that of servers that mean harm; cut at each
 * byte.
 */
#include "collector/names/dns.h"

#include <arpa/inet.h>

#include "tests/unit/names/vector.h"

static struct vector v;
static char told[4096];

static void note(void *arg, const struct dns_address *a)
{
	char addr[INET6_ADDRSTRLEN];
	size_t used = strlen(told);

	(void)arg;
	assert_int_equal(a->name_len, strlen(a->name) + 1);
	inet_ntop(a->family, a->addr, addr, sizeof(addr));
	snprintf(told + used, sizeof(told) - used, "%s%s %s %u", used ? "; " : "", a->name, addr, a->ttl_s);
}

static const char *answer(const uint8_t *msg, size_t len)
{
	struct dns_question q;

	told[0] = '\0';
	if (dns_question(msg, len, &q))
		dns_answer(msg, len, &q, note, NULL);
	return told;
}

static const char *answer_of(const char *vector)
{
	load(&v, vector);
	return answer(v.bytes, v.len);
}

static void addresses_are_of_the_name_asked_for(void **state)
{
	(void)state;
	assert_string_equal(answer_of("dns/a"),
			    "www.example.org 192.0.2.1 300; www.example.org 192.0.2.2 200");
	/* over two CNAMEs, the last with the least time to live */
	assert_string_equal(answer_of("dns/chain"), "www.example.org 2001:db8::7 30");
	assert_string_equal(answer_of("dns/https"), "example.org 192.0.2.3 3600; example.org 192.0.2.4 3600; "
						    "example.org 2001:db8::9 3600");
	assert_string_equal(answer_of("dns/odd"), "a\\032b\\000\\255\\027\\034.example.org 192.0.2.5 0");
}

/* Addresses of a name nobody asked for, CNAMEs in a circle. */
static void what_was_not_asked_is_not_told(void **state)
{
	(void)state;
	assert_string_equal(answer_of("dns/hostile"), "");
	assert_string_equal(answer_of("dns/question"), "");
}

static void a_name_may_not_lead_into_itself(void **state)
{
	struct dns_question q;

	(void)state;
	load(&v, "dns/pointer");
	assert_false(dns_question(v.bytes, v.len, &q));
}

static void questions_are_told_from_answers(void **state)
{
	struct dns_question q;

	(void)state;
	load(&v, "dns/question");
	assert_true(dns_question(v.bytes, v.len, &q));
	assert_false(q.answered);
	assert_int_equal(q.id, 0x1234);
	assert_int_equal(q.type, 1);
	assert_memory_equal(q.name, "\3www\7example\3org", q.name_len);
	load(&v, "dns/a");
	assert_true(dns_question(v.bytes, v.len, &q));
	assert_true(q.answered);
	v.bytes[3] |= 3; /* NXDOMAIN */
	assert_true(dns_question(v.bytes, v.len, &q));
	assert_false(q.answered);
	v.bytes[3] &= 0xf0;
	v.bytes[2] |= 2; /* cut: not every program asks again over TCP */
	assert_true(dns_question(v.bytes, v.len, &q));
	assert_true(q.answered);
}

static void announced_names_are_local(void **state)
{
	(void)state;
	load(&v, "dns/mdns");
	told[0] = '\0';
	dns_announced(v.bytes, v.len, note, NULL);
	assert_string_equal(told, "printer.local 198.51.100.9 120; printer.local fe80::9 120");
}

/* What is before the cut is as good as ever: a longer beginning never tells less. */
static void cut_messages_tell_what_they_have(void **state)
{
	static const char *const vectors[] = {"dns/a", "dns/chain", "dns/https", "dns/odd"};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		size_t most = 0;

		load(&v, vectors[i]);
		for (size_t len = 0; len <= v.len; len++) {
			uint8_t *cut = exactly(v.bytes, len);

			assert_true(strlen(answer(cut, len)) >= most);
			most = strlen(told);
			told[0] = '\0';
			dns_announced(cut, len, note, NULL);
			free(cut);
		}
		assert_true(most > 0);
	}
}

static void broken_messages_do_no_harm(void **state)
{
	(void)state;
	load(&v, "dns/chain");
	for (size_t i = 0; i < v.len; i++)
		for (unsigned byte = 0; byte < 256; byte++) {
			uint8_t *copy = exactly(v.bytes, v.len);

			copy[i] = (uint8_t)byte;
			answer(copy, v.len);
			free(copy);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_of_the_name_asked_for),
		cmocka_unit_test(what_was_not_asked_is_not_told),
		cmocka_unit_test(a_name_may_not_lead_into_itself),
		cmocka_unit_test(questions_are_told_from_answers),
		cmocka_unit_test(announced_names_are_local),
		cmocka_unit_test(cut_messages_tell_what_they_have),
		cmocka_unit_test(broken_messages_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
