// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/names/dns.h"

#include <arpa/nameser.h>
#include <string.h>
#include <sys/socket.h>

#include "collector/names/bytes.h"
#include "config/domain.h"

#define HEAD 12
#define HEAD_ANSWER 0x8000
#define HEAD_OPCODE 0x7800
#define HEAD_ERROR 0x000f
#define CLASS 0x7fff /* without the bit that mDNS uses for something else (RFC 6762, 5.4 and 10.2) */
#define TYPE_SVCB 64 /* RFC 9460 */
#define TYPE_HTTPS 65
#define PARAM_IPV4 4
#define PARAM_IPV6 6

struct message {
	const uint8_t *start;
	struct bytes rest;
	uint16_t id, flags, questions, answers;
};

struct record {
	uint8_t name[DNS_NAME];
	uint16_t type, class;
	uint32_t ttl_s;
	struct bytes data;
};

static bool open_message(struct message *m, const uint8_t *msg, size_t len)
{
	m->start = msg;
	m->rest = (struct bytes){.at = msg, .left = len};
	m->id = (uint16_t)bytes_number(&m->rest, 2);
	m->flags = (uint16_t)bytes_number(&m->rest, 2);
	m->questions = (uint16_t)bytes_number(&m->rest, 2);
	m->answers = (uint16_t)bytes_number(&m->rest, 2);
	bytes_take(&m->rest, 4); /* authority, additional */
	return !m->rest.short_of && (m->flags & HEAD_OPCODE) == 0;
}

/* Expand the name at the beginning of b, which is part of the message, in lower case. Its length, 0: none. */
static size_t take_name(const struct message *m, struct bytes *b, uint8_t name[DNS_NAME])
{
	const uint8_t *end = m->rest.at + m->rest.left;
	int taken;
	size_t n = 0;

	if (b->left == 0)
		return 0;
	taken = ns_name_unpack(m->start, end, b->at, name, DNS_NAME);
	if (taken <= 0)
		return 0;
	bytes_take(b, (size_t)taken);
	if (b->short_of)
		return 0;
	while (name[n] != 0) {
		unsigned label = name[n++];

		for (; label > 0; label--, n++)
			if (name[n] >= 'A' && name[n] <= 'Z')
				name[n] += 'a' - 'A';
	}
	return n + 1;
}

static bool take_record(struct message *m, struct record *r)
{
	if (!take_name(m, &m->rest, r->name))
		return false;
	r->type = (uint16_t)bytes_number(&m->rest, 2);
	r->class = (uint16_t)bytes_number(&m->rest, 2) & CLASS;
	r->ttl_s = (uint32_t)bytes_number(&m->rest, 4);
	r->data = bytes_vector(&m->rest, 2);
	if (r->ttl_s >> 31) /* RFC 2181, 8 */
		r->ttl_s = 0;
	return !m->rest.short_of;
}

/* Labels hold any bytes, so names are compared whole: both are in lower case. */
static bool same_name(const uint8_t *a, const uint8_t *b)
{
	while (*a != 0 && *a == *b) {
		unsigned label = *a;

		if (memcmp(a, b, label + 1) != 0)
			return false;
		a += label + 1;
		b += label + 1;
	}
	return *a == *b;
}

static bool has_addresses(uint16_t type)
{
	return type == ns_t_a || type == ns_t_aaaa || type == TYPE_SVCB || type == TYPE_HTTPS ||
	       type == ns_t_any;
}

bool dns_question(const uint8_t *msg, size_t len, struct dns_question *q)
{
	struct message m;

	if (!open_message(&m, msg, len) || m.questions != 1)
		return false;
	q->id = m.id;
	q->answered = (m.flags & HEAD_ANSWER) && !(m.flags & HEAD_ERROR);
	q->name_len = take_name(&m, &m.rest, q->name);
	q->type = (uint16_t)bytes_number(&m.rest, 2);
	if (((uint16_t)bytes_number(&m.rest, 2) & CLASS) != ns_c_in || m.rest.short_of || q->name_len == 0)
		return false;
	return has_addresses(q->type);
}

/* ---- addresses */

struct teller {
	dns_told *told;
	void *arg;
	char name[WIRE_DOMAIN_MAX];
	size_t name_len;
};

static void tell(const struct teller *t, int family, const uint8_t *addr, uint32_t ttl_s)
{
	struct dns_address a = {
		.family = (uint16_t)family, .ttl_s = ttl_s, .name = t->name, .name_len = t->name_len};

	memcpy(a.addr, addr, family == AF_INET ? 4 : 16);
	t->told(t->arg, &a);
}

/* RFC 9460, 2.2: priority, target, then parameters of which two are addresses. An alias (priority 0) has
 * none. */
static void tell_hints(const struct teller *t, const struct message *m, struct bytes data, uint32_t ttl_s)
{
	uint8_t target[DNS_NAME];
	int hints = 0;

	if (bytes_number(&data, 2) == 0 || !take_name(m, &data, target))
		return;
	while (data.left > 0) {
		uint64_t key = bytes_number(&data, 2);
		struct bytes value = bytes_vector(&data, 2);
		size_t size = key == PARAM_IPV4 ? 4 : key == PARAM_IPV6 ? 16 : 0;

		for (; size && value.left >= size && hints < DNS_CHAIN_MAX; hints++)
			tell(t, size == 4 ? AF_INET : AF_INET6, bytes_take(&value, size).at, ttl_s);
	}
}

static void tell_record(const struct teller *t, const struct message *m, const struct record *r,
			uint32_t ttl_s)
{
	if (r->type == ns_t_a && r->data.left == 4)
		tell(t, AF_INET, r->data.at, ttl_s);
	else if (r->type == ns_t_aaaa && r->data.left == 16)
		tell(t, AF_INET6, r->data.at, ttl_s);
	else if (r->type == TYPE_SVCB || r->type == TYPE_HTTPS)
		tell_hints(t, m, r->data, ttl_s);
}

/* ---- from the question to its addresses */

/* At the first record that is an answer. */
static bool open_answers(struct message *m, const uint8_t *msg, size_t len)
{
	uint8_t name[DNS_NAME];

	if (!open_message(m, msg, len))
		return false;
	if (m->answers > DNS_RECORDS_MAX)
		m->answers = DNS_RECORDS_MAX;
	for (unsigned i = 0; i < m->questions; i++) {
		if (!take_name(m, &m->rest, name))
			return false;
		bytes_take(&m->rest, 4);
	}
	return !m->rest.short_of;
}

/* Where a CNAME of this name leads: that becomes the name, and *ttl_s no more than its own. */
static bool follow(struct message m, uint8_t name[DNS_NAME], uint32_t *ttl_s)
{
	struct record r;

	for (unsigned i = 0; i < m.answers && take_record(&m, &r); i++) {
		if (r.type != ns_t_cname || r.class != ns_c_in || !same_name(r.name, name))
			continue;
		if (!take_name(&m, &r.data, name))
			return false;
		if (r.ttl_s < *ttl_s)
			*ttl_s = r.ttl_s;
		return true;
	}
	return false;
}

/* HTTPS records stand below names like _8443._https.example.org (RFC 9460, 9.1): what was asked for is the
 * host. */
static const uint8_t *without_underscores(const struct dns_question *q)
{
	const uint8_t *name = q->name;

	if (q->type == TYPE_SVCB || q->type == TYPE_HTTPS)
		while (name[0] > 1 && name[1] == '_')
			name += name[0] + 1;
	return name;
}

void dns_answer(const uint8_t *msg, size_t len, const struct dns_question *q, dns_told *told, void *arg)
{
	struct teller t = {.told = told, .arg = arg};
	uint32_t ttl_s = UINT32_MAX;
	uint8_t name[DNS_NAME];
	struct record r;
	struct message m;

	t.name_len = domain_of_labels(t.name, without_underscores(q));
	if (t.name_len == 0 || !open_answers(&m, msg, len))
		return;
	memcpy(name, q->name, q->name_len);
	for (int hops = 0; hops < DNS_CHAIN_MAX && follow(m, name, &ttl_s); hops++)
		;
	for (unsigned i = 0; i < m.answers && take_record(&m, &r); i++)
		if (r.class == ns_c_in && (r.type == q->type || q->type == ns_t_any) &&
		    same_name(r.name, name))
			tell_record(&t, &m, &r, r.ttl_s < ttl_s ? r.ttl_s : ttl_s);
}

static bool is_local(const uint8_t *name)
{
	static const uint8_t local[] = "\5local";

	while (*name != 0 && !same_name(name, local))
		name += *name + 1;
	return *name != 0;
}

void dns_announced(const uint8_t *msg, size_t len, dns_told *told, void *arg)
{
	struct teller t = {.told = told, .arg = arg};
	struct record r;
	struct message m;

	if (!open_answers(&m, msg, len) || !(m.flags & HEAD_ANSWER))
		return;
	for (unsigned i = 0; i < m.answers && take_record(&m, &r); i++) {
		if (r.class != ns_c_in || (r.type != ns_t_a && r.type != ns_t_aaaa) || !is_local(r.name) ||
		    r.ttl_s == 0)
			continue; /* a TTL of 0 says goodbye (RFC 6762, 10.1) */
		t.name_len = domain_of_labels(t.name, r.name);
		tell_record(&t, &m, &r, r.ttl_s);
	}
}
