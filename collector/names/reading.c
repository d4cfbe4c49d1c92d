// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/names/reading.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "collector/names/asked.h"
#include "collector/names/dns.h"
#include "collector/names/http.h"
#include "collector/names/stream.h"
#include "collector/names/tls.h"
#include "config/domain.h"

#define PORT_DNS 53
#define PORT_MDNS 5353
#define PORT_LLMNR 5355
#define LIBC_TTL_S 600
#define DNS_LENGTH 2 /* bytes before a message over TCP (RFC 1035, 4.2.2) */

struct reading {
	const struct servers *servers;
	reading_told *told;
	void *arg;
	struct asked *asked;
	struct streams *streams;
	const struct wire_payload *now; /* the payload that is being read */
};

struct reading *reading_new(const struct servers *servers, reading_told *told, void *arg)
{
	struct reading *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->servers = servers;
	r->told = told;
	r->arg = arg;
	r->asked = asked_new();
	r->streams = streams_new();
	if (r->asked && r->streams)
		return r;
	reading_free(r);
	return NULL;
}

void reading_free(struct reading *r)
{
	if (!r)
		return;
	asked_free(r->asked);
	streams_free(r->streams);
	free(r);
}

uint64_t reading_lost(struct reading *r)
{
	return streams_lost(r->streams);
}

static bool is_received(const struct wire_payload *p)
{
	return p->flags & WIRE_PAYLOAD_RECEIVED;
}

/* ---- what programs say */

static void tell_claim(struct reading *r, const struct claim *claim, enum wire_name_source source)
{
	struct wire_name name = {.image = r->now->image,
				 .cookie = r->now->cookie,
				 .time_ns = r->now->time_ns,
				 .netns = r->now->netns,
				 .family = r->now->family,
				 .source = claim->encrypted ? WIRE_NAME_ECH : source,
				 .rport = r->now->rport};
	char text[WIRE_DOMAIN_MAX];

	if (name.family != AF_INET && name.family != AF_INET6)
		return;
	memcpy(name.addr, r->now->raddr, WIRE_ADDR_SIZE);
	name.name_len = (__u16)domain_of_host(text, claim->host, claim->len);
	if (name.name_len)
		r->told(r->arg, &name, text);
}

static enum claim_found read_claim(const struct stream *s, struct claim *claim)
{
	if (s->kind == STREAM_TLS)
		return tls_records(s->data, s->len, claim);
	return http_request(s->data, s->len, claim);
}

/* The kind of stream that begins with these bytes, STREAM_FREE: none. */
static enum stream_kind kind_of(const uint8_t *data, size_t len)
{
	struct claim claim;

	if (tls_records(data, len, &claim) != CLAIM_NONE)
		return STREAM_TLS;
	return http_request(data, len, &claim) != CLAIM_NONE ? STREAM_HTTP : STREAM_FREE;
}

static void read_stream(struct reading *r, const uint8_t *data)
{
	const struct wire_payload *p = r->now;
	struct stream *s = streams_find(r->streams, p);
	enum claim_found found;
	struct claim claim;

	if (!s) {
		enum stream_kind kind =
			p->offset == 0 && p->data_len ? kind_of(data, p->data_len) : STREAM_FREE;

		if (kind == STREAM_FREE)
			return;
		s = streams_begin(r->streams, p, kind);
	}
	if (!streams_add(r->streams, s, data, p->data_len))
		return;
	found = read_claim(s, &claim);
	if (found == CLAIM_NAME)
		tell_claim(r, &claim, s->kind == STREAM_TLS ? WIRE_NAME_SNI : WIRE_NAME_HTTP);
	if (found != CLAIM_MORE)
		streams_end(s);
	else if (p->flags & WIRE_PAYLOAD_CUT) /* what would come next is not here */
		streams_give_up(r->streams, s);
}

static void read_datagram(struct reading *r, const uint8_t *data)
{
	struct stream *s = streams_find(r->streams, r->now);
	enum claim_found found;
	struct claim claim;

	if (!s) {
		struct quic *quic = quic_begins(data, r->now->data_len) ? quic_new() : NULL;

		if (!quic)
			return;
		s = streams_begin(r->streams, r->now, STREAM_QUIC);
		s->quic = quic;
	}
	found = quic_sent(s->quic, data, r->now->data_len, &claim);
	if (found == CLAIM_NAME)
		tell_claim(r, &claim, WIRE_NAME_QUIC);
	if (found != CLAIM_MORE)
		streams_end(s);
}

/* ---- what name servers say */

static void tell_address(struct reading *r, const struct dns_address *a, enum wire_name_source source)
{
	struct wire_name name = {.image = r->now->image,
				 .time_ns = r->now->time_ns,
				 .netns = r->now->netns,
				 .ttl_s = a->ttl_s,
				 .family = a->family,
				 .source = source,
				 .name_len = (__u16)a->name_len};

	if (r->now->flags & WIRE_PAYLOAD_PACKET)
		name.flags = WIRE_NAME_SYSTEM;
	memcpy(name.addr, a->addr, WIRE_ADDR_SIZE);
	r->told(r->arg, &name, a->name);
}

static void tell_dns(void *arg, const struct dns_address *a)
{
	tell_address(arg, a, WIRE_NAME_DNS);
}

static void tell_mdns(void *arg, const struct dns_address *a)
{
	tell_address(arg, a, WIRE_NAME_MDNS);
}

static void tell_llmnr(void *arg, const struct dns_address *a)
{
	tell_address(arg, a, WIRE_NAME_LLMNR);
}

/* Questions of LLMNR go to a group, so that whoever answers is somebody else. */
static void read_message(struct reading *r, const uint8_t *msg, size_t len)
{
	static const uint8_t anybody[WIRE_ADDR_SIZE];
	const struct wire_payload *p = r->now;
	bool llmnr = p->rport == PORT_LLMNR;
	const uint8_t *server = llmnr ? anybody : p->raddr;
	struct dns_question q;

	if (!dns_question(msg, len, &q))
		return;
	if (!is_received(p))
		asked_add(r->asked, p->cookie, server, &q);
	else if (q.answered && asked_take(r->asked, p->cookie, server, &q))
		dns_answer(msg, len, &q, llmnr ? tell_llmnr : tell_dns, r);
}

/* An answer before anybody took it. That of one of this machine's own name servers is believed whoever asked;
 * of any other, the program that receives it is told. Over TCP, where it is the whole of a segment. */
static void read_packet(struct reading *r, const uint8_t *data)
{
	const struct wire_payload *p = r->now;
	size_t len = p->data_len, before = p->protocol == IPPROTO_TCP ? DNS_LENGTH : 0;
	struct dns_question q;

	if (!servers_answered(r->servers, p) || len <= before)
		return;
	if (before && len - before != ((size_t)data[0] << 8 | data[1]))
		return;
	if (dns_question(data + before, len - before, &q) && q.answered)
		dns_answer(data + before, len - before, &q, tell_dns, r);
}

/* The answers in what there is of it are as good as any. */
static void read_cut_message(struct reading *r, struct stream *s)
{
	if (s->len > DNS_LENGTH)
		read_message(r, s->data + DNS_LENGTH, s->len - DNS_LENGTH);
	streams_give_up(r->streams, s);
}

/* Messages over TCP, each behind its length. One that is too long is dropped with its connection. */
static void read_dns_stream(struct reading *r, const uint8_t *data)
{
	struct stream *s = streams_find(r->streams, r->now);
	size_t len;

	if (!s)
		s = streams_begin(r->streams, r->now, STREAM_DNS);
	if (!streams_add(r->streams, s, data, r->now->data_len))
		return;
	while (s->len >= DNS_LENGTH && s->len - DNS_LENGTH >= (len = (size_t)s->data[0] << 8 | s->data[1])) {
		read_message(r, s->data + DNS_LENGTH, len);
		streams_drop(s, DNS_LENGTH + len);
	}
	if (s->len == 0)
		streams_end(s);
	else if (r->now->flags & WIRE_PAYLOAD_CUT)
		read_cut_message(r, s);
}

static void read_udp(struct reading *r, const uint8_t *data)
{
	const struct wire_payload *p = r->now;

	if (p->rport == PORT_MDNS && is_received(p))
		dns_announced(data, p->data_len, tell_mdns, r);
	else if (p->rport == PORT_DNS || p->rport == PORT_LLMNR || (p->rport == 0 && is_received(p)))
		read_message(r, data, p->data_len);
	else if (!is_received(p))
		read_datagram(r, data);
}

/* What getaddrinfo(3) found. Where from, and for how long, it does not say. */
static void read_host(struct reading *r, const uint8_t *host)
{
	const struct wire_payload *p = r->now;
	struct wire_name name = {.image = p->image,
				 .time_ns = p->time_ns,
				 .netns = p->netns,
				 .ttl_s = LIBC_TTL_S,
				 .family = p->family,
				 .source = WIRE_NAME_LIBC};
	char text[WIRE_DOMAIN_MAX];

	name.name_len = (__u16)domain_of_host(text, host, p->data_len);
	if (!name.name_len || (p->family != AF_INET && p->family != AF_INET6))
		return;
	__builtin_memcpy(name.addr, p->raddr, WIRE_ADDR_SIZE);
	r->told(r->arg, &name, text);
}

void reading_payload(struct reading *r, const struct wire_payload *p, const uint8_t *data)
{
	r->now = p;
	if (p->flags & WIRE_PAYLOAD_PACKET)
		read_packet(r, data);
	else if (p->flags & WIRE_PAYLOAD_LIBC)
		read_host(r, data);
	else if (p->protocol == IPPROTO_UDP)
		read_udp(r, data);
	else if (p->rport == PORT_DNS)
		read_dns_stream(r, data);
	else if (!is_received(p))
		read_stream(r, data);
	r->now = NULL;
}
