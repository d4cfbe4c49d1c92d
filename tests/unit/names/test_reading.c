// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_reading.c - payloads as the kernel cuts them: over several calls, both directions, other sockets
 * between.
 */
#include "collector/names/reading.h"

#include <netinet/in.h>

#include "collector/names/asked.h"
#include "collector/names/stream.h"
#include "config/wire_check.h"
#include "tests/unit/names/vector.h"

static struct vector v;
static char told[8192];
static unsigned names, name_flags;
static const struct wire_payload *given;

static void note(void *arg, const struct wire_name *name, const char *text)
{
	struct wire_hdr hdr = {
		.version = WIRE_VERSION, .type = WIRE_NAME, .len = sizeof(*name) + name->name_len};
	char frame[sizeof(*name) + WIRE_DOMAIN_MAX];
	size_t used = strlen(told);

	(void)arg;
	memcpy(frame, name, sizeof(*name));
	memcpy(frame + sizeof(*name), text, name->name_len);
	assert_null(wire_check(&hdr, frame));
	names++;
	snprintf(told + used, sizeof(told) - used, "%s%s %s", used ? "; " : "",
		 wire_name_source_name(name->source), text);
	name_flags = name->flags;
	assert_int_equal(name->image.tgid, given->image.tgid);
	assert_int_equal(name->netns, given->netns);
	assert_int_equal(name->cookie != 0, WIRE_NAME_IS_CLAIM(name->source));
	if (!WIRE_NAME_IS_CLAIM(name->source))
		return;
	assert_int_equal(name->rport, given->rport);
	assert_memory_equal(name->addr, given->raddr, WIRE_ADDR_SIZE);
}

struct rig {
	struct servers *servers;
	struct reading *reading;
	struct wire_payload payload;
};

static void begin(struct rig *r, unsigned protocol, unsigned port)
{
	*r = (struct rig){.servers = servers_new()};
	assert_non_null(r->servers);
	r->reading = reading_new(r->servers, note, NULL);
	assert_non_null(r->reading);
	r->payload = (struct wire_payload){.image.tgid = 7,
					   .netns = 9,
					   .cookie = 42,
					   .time_ns = 1000,
					   .family = AF_INET,
					   .protocol = (__u16)protocol,
					   .rport = (__u16)port};
	told[0] = '\0';
	names = 0;
}

static void end(struct rig *r, const char *want)
{
	assert_string_equal(told, want);
	reading_free(r->reading);
	servers_free(r->servers);
}

static void give(struct rig *r, unsigned flags, const uint8_t *bytes, size_t len)
{
	uint8_t *data = exactly(bytes, len);

	r->payload.flags = flags;
	r->payload.data_len = (__u16)len;
	given = &r->payload;
	reading_payload(r->reading, &r->payload, data);
	free(data);
}

/* In pieces of n bytes, as one program may send it. */
static void give_pieces(struct rig *r, const char *vector, size_t n)
{
	load(&v, vector);
	r->payload.offset = 0;
	for (size_t at = 0; at < v.len; at += n) {
		give(r, 0, v.bytes + at, v.len - at < n ? v.len - at : n);
		r->payload.offset += n;
	}
}

static void hellos_come_in_pieces(void **state)
{
	static const size_t sizes[] = {1, 5, 100, 1400, 16384};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct rig r;

		begin(&r, IPPROTO_TCP, 443);
		give_pieces(&r, "tls/records", sizes[i]);
		end(&r, "sni big.example.org");
		begin(&r, IPPROTO_TCP, 80);
		give_pieces(&r, "http/curl", sizes[i]);
		end(&r, "http plain.example.org");
	}
}

static void two_connections_do_not_mix(void **state)
{
	static struct vector w;
	struct rig r;

	(void)state;
	begin(&r, IPPROTO_TCP, 443);
	load(&v, "tls/openssl");
	load(&w, "tls/gnutls");
	give(&r, 0, v.bytes, 100);
	r.payload.cookie = 43;
	give(&r, 0, w.bytes, 99);
	r.payload.cookie = 42;
	r.payload.offset = 100;
	give(&r, 0, v.bytes + 100, v.len - 100);
	r.payload.cookie = 43;
	r.payload.offset = 99;
	give(&r, 0, w.bytes + 99, w.len - 99);
	end(&r, "sni openssl.example.org; sni gnutls.example.org");
}

static void an_outer_name_is_marked(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, IPPROTO_TCP, 443);
	give_pieces(&r, "tls/ech", 4096);
	end(&r, "ech outer.example.net");
}

/* What a server receives names the server. */
static void received_hellos_name_nobody(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, IPPROTO_TCP, 443);
	load(&v, "tls/openssl");
	give(&r, WIRE_PAYLOAD_RECEIVED, v.bytes, v.len);
	end(&r, "");
}

static void a_gap_ends_it(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, IPPROTO_TCP, 443);
	load(&v, "tls/openssl");
	give(&r, 0, v.bytes, 100);
	r.payload.offset = 101;
	give(&r, 0, v.bytes + 101, v.len - 101);
	r.payload.offset = 100;
	give(&r, 0, v.bytes + 100, v.len - 100);
	end(&r, "");
}

static void getaddrinfo_tells_hosts(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, 0, 0);
	r.payload.cookie = 0;
	r.payload.family = AF_INET;
	r.payload.raddr[3] = 1;
	give(&r, WIRE_PAYLOAD_RECEIVED | WIRE_PAYLOAD_LIBC, (const uint8_t *)"Web.Example.ORG.", 16);
	give(&r, WIRE_PAYLOAD_RECEIVED | WIRE_PAYLOAD_LIBC, (const uint8_t *)"198.18.0.1", 10);
	give(&r, WIRE_PAYLOAD_RECEIVED | WIRE_PAYLOAD_LIBC, (const uint8_t *)"", 0);
	r.payload.family = AF_UNSPEC;
	give(&r, WIRE_PAYLOAD_RECEIVED | WIRE_PAYLOAD_LIBC, (const uint8_t *)"localhost", 9);
	end(&r, "libc web.example.org");
}

static void what_is_cut_is_counted(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, IPPROTO_TCP, 443);
	load(&v, "tls/openssl");
	give(&r, WIRE_PAYLOAD_CUT, v.bytes, 100);
	assert_int_equal(reading_lost(r.reading), 1);
	assert_int_equal(reading_lost(r.reading), 0);
	end(&r, "");
}

static void too_many_beginnings_push_out_the_oldest(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, IPPROTO_TCP, 443);
	load(&v, "tls/openssl");
	for (unsigned i = 0; i <= STREAMS_MAX; i++) {
		r.payload.cookie = 100 + i;
		r.payload.time_ns = 1000 + i;
		give(&r, 0, v.bytes, 50);
	}
	assert_int_equal(reading_lost(r.reading), 1);
	for (unsigned i = 0; i <= STREAMS_MAX; i++) {
		r.payload.cookie = 100 + i;
		r.payload.offset = 50;
		give(&r, 0, v.bytes + 50, v.len - 50);
	}
	assert_int_equal(names, STREAMS_MAX);
	reading_free(r.reading);
	servers_free(r.servers);
}

static void too_long_a_beginning_is_given_up(void **state)
{
	static const uint8_t padding[4096] = "GET / HTTP/1.1\r\nX: ";
	struct rig r;

	(void)state;
	begin(&r, IPPROTO_TCP, 80);
	for (int i = 0; i < 10; i++) {
		give(&r, 0, padding, sizeof(padding));
		r.payload.offset += sizeof(padding);
	}
	assert_int_equal(reading_lost(r.reading), 1);
	end(&r, "");
}

static void quic_is_read_from_udp(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, IPPROTO_UDP, 443);
	load(&v, "quic/scattered");
	for (size_t at = 0, len; at < v.len; at += 2 + len) {
		len = (size_t)v.bytes[at] << 8 | v.bytes[at + 1];
		give(&r, 0, v.bytes + at + 2, len);
	}
	end(&r, "quic big.example.org");
}

/* ---- name servers */

/* The question that the vector answers. */
static void ask(struct rig *r, const char *vector)
{
	static struct vector q;

	load(&q, vector);
	q.bytes[2] = 1; /* recursion desired, no answer */
	q.bytes[3] = 0;
	memset(q.bytes + 6, 0, 6);
	give(r, 0, q.bytes, q.len);
}

static void answers_are_believed_once(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, IPPROTO_UDP, 53);
	ask(&r, "dns/chain");
	load(&v, "dns/chain");
	give(&r, WIRE_PAYLOAD_RECEIVED, v.bytes, v.len);
	give(&r, WIRE_PAYLOAD_RECEIVED, v.bytes, v.len);
	end(&r, "dns www.example.org");
}

static void answers_nobody_asked_for_are_not(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, IPPROTO_UDP, 53);
	load(&v, "dns/chain");
	give(&r, WIRE_PAYLOAD_RECEIVED, v.bytes, v.len);
	ask(&r, "dns/chain");
	r.payload.cookie = 43; /* another socket */
	give(&r, WIRE_PAYLOAD_RECEIVED, v.bytes, v.len);
	r.payload.cookie = 42;
	v.bytes[1] ^= 1; /* another id */
	give(&r, WIRE_PAYLOAD_RECEIVED, v.bytes, v.len);
	v.bytes[1] ^= 1;
	v.bytes[13] ^= 1; /* another name */
	give(&r, WIRE_PAYLOAD_RECEIVED, v.bytes, v.len);
	v.bytes[13] ^= 1;
	r.payload.rport = 5300; /* no name server */
	give(&r, WIRE_PAYLOAD_RECEIVED, v.bytes, v.len);
	end(&r, "");
}

#define NOTHING 99

static void come_from(struct rig *r, uint8_t last, uint32_t netns)
{
	static const uint8_t prefix[] = {192, 0, 2};

	r->payload.netns = netns;
	memcpy(r->payload.raddr, prefix, sizeof(prefix));
	r->payload.raddr[3] = last;
	name_flags = NOTHING;
}

/* The last name's flags for an answer of this server in that network namespace, as a packet. */
static unsigned flags_of(struct rig *r, uint8_t last, uint32_t netns)
{
	come_from(r, last, netns);
	load(&v, "dns/a");
	r->payload.image.tgid = 0;
	give(r, WIRE_PAYLOAD_RECEIVED | WIRE_PAYLOAD_PACKET, v.bytes, v.len);
	r->payload.image.tgid = 7;
	return name_flags;
}

static void read_file(struct rig *r, unsigned file, const char *text)
{
	struct wire_hosts piece = {.netns = 9,
				   .flags = WIRE_HOSTS_FIRST | WIRE_HOSTS_LAST,
				   .file = file,
				   .text_len = (__u32)strlen(text)};

	servers_piece(r->servers, &piece, text);
}

static void who_answered_is_told(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, IPPROTO_UDP, 53);
	assert_int_equal(flags_of(&r, 1, 9), NOTHING);
	read_file(&r, WIRE_HOSTS_SERVERS,
		  "# nameserver 192.0.2.4\nsearch example.org\nnameserver\t192.0.2.1 x\n nameserver nobody\n"
		  "nameserver fe80::1%eth0\nnameserver 192.0.2.3");
	read_file(&r, WIRE_HOSTS_UPSTREAM, "nameserver 192.0.2.2\n");
	for (uint8_t server = 1; server <= 3; server++)
		assert_int_equal(flags_of(&r, server, 9), WIRE_NAME_SYSTEM);
	assert_int_equal(flags_of(&r, 4, 9), NOTHING);
	assert_int_equal(flags_of(&r, 1, 10), NOTHING); /* there anybody may be 192.0.2.1 */
	read_file(&r, WIRE_HOSTS_SERVERS, "nameserver 192.0.2.4\n");
	assert_int_equal(flags_of(&r, 1, 9), NOTHING);
	assert_int_equal(flags_of(&r, 2, 9), WIRE_NAME_SYSTEM);
	assert_int_equal(flags_of(&r, 4, 9), WIRE_NAME_SYSTEM);
	/* what its receiver shows may be another thread's work */
	come_from(&r, 4, 9);
	ask(&r, "dns/a");
	load(&v, "dns/a");
	give(&r, WIRE_PAYLOAD_RECEIVED, v.bytes, v.len);
	assert_int_equal(name_flags, 0);
	r.payload.family = AF_INET6;
	memset(r.payload.raddr, 0, sizeof(r.payload.raddr));
	assert_int_equal(flags_of(&r, 4, 9), NOTHING);
	reading_free(r.reading);
	servers_free(r.servers);
}

/* A segment of TCP that is one message with its length before it; of any other nothing is known. */
static void segments_are_whole_messages(void **state)
{
	const unsigned flags = WIRE_PAYLOAD_RECEIVED | WIRE_PAYLOAD_PACKET;
	uint8_t segment[2 + sizeof(v.bytes)];
	struct rig r;

	(void)state;
	begin(&r, IPPROTO_TCP, 53);
	read_file(&r, WIRE_HOSTS_SERVERS, "nameserver 192.0.2.1\n");
	come_from(&r, 1, 9);
	load(&v, "dns/a");
	segment[0] = (uint8_t)(v.len >> 8);
	segment[1] = (uint8_t)v.len;
	memcpy(segment + 2, v.bytes, v.len);
	for (size_t len = 0; len < v.len + 2; len++)
		give(&r, flags, segment, len);
	assert_int_equal(name_flags, NOTHING);
	give(&r, flags, segment, v.len + 2);
	assert_int_equal(name_flags, WIRE_NAME_SYSTEM);
	segment[1]++;
	name_flags = NOTHING;
	give(&r, flags, segment, v.len + 2);
	assert_int_equal(name_flags, NOTHING);
	reading_free(r.reading);
	servers_free(r.servers);
}

static void another_server_does_not_answer(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, IPPROTO_UDP, 53);
	r.payload.raddr[0] = 1;
	ask(&r, "dns/a");
	load(&v, "dns/a");
	r.payload.raddr[0] = 2;
	give(&r, WIRE_PAYLOAD_RECEIVED, v.bytes, v.len);
	assert_string_equal(told, "");
	memset(r.payload.raddr, 0, sizeof(r.payload.raddr)); /* read without asking who sent it */
	r.payload.rport = 0;
	give(&r, WIRE_PAYLOAD_RECEIVED, v.bytes, v.len);
	end(&r, "dns www.example.org; dns www.example.org");
}

static void forgotten_questions_stay_without_a_name(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, IPPROTO_UDP, 53);
	ask(&r, "dns/chain");
	r.payload.cookie = 43;
	for (int i = 0; i < ASKED_MAX; i++)
		ask(&r, "dns/a");
	r.payload.cookie = 42;
	load(&v, "dns/chain");
	give(&r, WIRE_PAYLOAD_RECEIVED, v.bytes, v.len);
	end(&r, "");
}

/* As the C library reads it: the length first. Two messages, the second in bytes. */
static void answers_over_tcp_come_in_pieces(void **state)
{
	static struct vector w;
	struct rig r;
	uint64_t sent = 0, received = 0;

	(void)state;
	begin(&r, IPPROTO_TCP, 53);
	for (int i = 0; i < 2; i++) {
		load(&w, i == 0 ? "dns/chain" : "dns/a");
		v.bytes[0] = (uint8_t)(w.len >> 8);
		v.bytes[1] = (uint8_t)w.len;
		memcpy(v.bytes + 2, w.bytes, w.len);
		v.bytes[4] = 1;
		v.bytes[5] = 0;
		memset(v.bytes + 8, 0, 6);
		r.payload.offset = sent;
		give(&r, 0, v.bytes, 2 + w.len);
		sent += 2 + w.len;
		memcpy(v.bytes + 2, w.bytes, w.len);
		for (size_t at = 0, n = 2; at < 2 + w.len; at += n, n = i == 0 ? w.len : 1) {
			r.payload.offset = received + at;
			give(&r, WIRE_PAYLOAD_RECEIVED, v.bytes + at, n);
		}
		received += 2 + w.len;
	}
	end(&r, "dns www.example.org; dns www.example.org; dns www.example.org");
}

static void multicast_is_marked(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, IPPROTO_UDP, 5353);
	load(&v, "dns/mdns");
	give(&r, WIRE_PAYLOAD_RECEIVED, v.bytes, v.len);
	end(&r, "mdns printer.local; mdns printer.local");
	begin(&r, IPPROTO_UDP, 5355);
	r.payload.raddr[0] = 224;
	ask(&r, "dns/chain");
	r.payload.raddr[0] = 10;
	load(&v, "dns/chain");
	give(&r, WIRE_PAYLOAD_RECEIVED, v.bytes, v.len);
	end(&r, "llmnr www.example.org");
}

/* Of each datagram each beginning, as a question, an answer and a greeting. */
static void cut_payloads_do_no_harm(void **state)
{
	static const char *const vectors[] = {"dns/a", "dns/hostile", "quic/rfc9369", "tls/curl", "http/odd"};
	static const unsigned ports[] = {53, 5353, 443, 0};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]) * 8; i++) {
		struct rig r;

		begin(&r, i & 1 ? IPPROTO_TCP : IPPROTO_UDP, ports[i / 2 % 4]);
		load(&v, vectors[i / 8]);
		for (size_t len = 0; len <= v.len; len += len < 64 ? 1 : 37) {
			told[0] = '\0';
			r.payload.cookie++;
			give(&r, 0, v.bytes, len);
			give(&r, WIRE_PAYLOAD_RECEIVED, v.bytes, len);
		}
		reading_free(r.reading);
		servers_free(r.servers);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hellos_come_in_pieces),
		cmocka_unit_test(two_connections_do_not_mix),
		cmocka_unit_test(an_outer_name_is_marked),
		cmocka_unit_test(received_hellos_name_nobody),
		cmocka_unit_test(a_gap_ends_it),
		cmocka_unit_test(getaddrinfo_tells_hosts),
		cmocka_unit_test(what_is_cut_is_counted),
		cmocka_unit_test(too_many_beginnings_push_out_the_oldest),
		cmocka_unit_test(too_long_a_beginning_is_given_up),
		cmocka_unit_test(quic_is_read_from_udp),
		cmocka_unit_test(answers_are_believed_once),
		cmocka_unit_test(answers_nobody_asked_for_are_not),
		cmocka_unit_test(who_answered_is_told),
		cmocka_unit_test(segments_are_whole_messages),
		cmocka_unit_test(another_server_does_not_answer),
		cmocka_unit_test(forgotten_questions_stay_without_a_name),
		cmocka_unit_test(answers_over_tcp_come_in_pieces),
		cmocka_unit_test(multicast_is_marked),
		cmocka_unit_test(cut_payloads_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
