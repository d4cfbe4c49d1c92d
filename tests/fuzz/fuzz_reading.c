// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_reading.c - any bytes as what several sockets sent and received, and as resolv.conf(5) in pieces: each
 * piece behind a head of a byte of what it is, a byte of which socket, and two of how long. Each name that
 * comes out is one that the wire takes.
 */
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/names/reading.h"
#include "config/wire_check.h"

#define HEAD 4
#define SOCKETS 8
#define PIECE_MAX 4096 /* of one payload, as in bpf/name.bpf.h */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
	uint16_t protocol, port;
} kinds[] = {
	{IPPROTO_TCP, 443},  {IPPROTO_UDP, 443},  {IPPROTO_UDP, 53}, {IPPROTO_TCP, 53},
	{IPPROTO_UDP, 5353}, {IPPROTO_UDP, 5355}, {IPPROTO_UDP, 0},  {0, 0},
};

/* of the first byte */
#define KIND 0x07
#define RECEIVED 0x08
#define CUT 0x10
#define GAP 0x20 /* bytes before it were not copied */
#define PACKET 0x80
#define SERVERS 0x40 /* it is a piece of resolv.conf: the first of it with RECEIVED, the last with CUT */

static void check(void *arg, const struct wire_name *w, const char *text)
{
	struct wire_hdr hdr = {.version = WIRE_VERSION, .type = WIRE_NAME};
	struct {
		struct wire_name head;
		char text[WIRE_DOMAIN_MAX];
	} name = {.head = *w};

	(void)arg;
	if (w->name_len > WIRE_DOMAIN_MAX)
		abort();
	memcpy(name.text, text, w->name_len);
	hdr.len = (__u32)(sizeof(name.head) + w->name_len);
	if (wire_check(&hdr, &name))
		abort();
}

static void fill(struct wire_payload *p, const uint8_t head[HEAD])
{
	unsigned kind = head[0] & KIND;

	*p = (struct wire_payload){.protocol = kinds[kind].protocol,
				   .rport = kinds[kind].port,
				   .family = AF_INET,
				   .raddr = {198, 18, 0, 1},
				   .netns = 9,
				   .time_ns = 1000,
				   .cookie = 1 + head[1] % SOCKETS,
				   .data_len = (__u16)(head[2] << 8 | head[3])};
	p->flags |= head[0] & RECEIVED ? WIRE_PAYLOAD_RECEIVED : 0;
	p->flags |= head[0] & CUT ? WIRE_PAYLOAD_CUT : 0;
	p->flags |= head[0] & PACKET ? WIRE_PAYLOAD_PACKET : 0;
	if (p->protocol == 0) /* getaddrinfo */
		p->flags = WIRE_PAYLOAD_RECEIVED | WIRE_PAYLOAD_LIBC;
}

static void read_servers(struct servers *s, const uint8_t *head, const uint8_t *data, size_t len)
{
	struct wire_hosts piece = {.netns = 9, .file = head[1] % WIRE_HOSTS__MAX, .text_len = (__u32)len};

	piece.flags |= head[0] & RECEIVED ? WIRE_HOSTS_FIRST : 0;
	piece.flags |= head[0] & CUT ? WIRE_HOSTS_LAST : 0;
	servers_piece(s, &piece, (const char *)data);
}

/* Each socket counts its bytes, in each direction. */
static void read_all(struct reading *r, struct servers *s, const uint8_t *data, size_t size)
{
	uint64_t moved[SOCKETS][2] = {{0, 0}};

	while (size >= HEAD) {
		struct wire_payload p;
		const uint8_t *head = data;
		uint64_t *offset;
		uint8_t *copy;

		fill(&p, data);
		offset = &moved[p.cookie - 1][!!(data[0] & RECEIVED)];
		*offset += head[0] & SERVERS ? 0 : !!(head[0] & GAP);
		p.offset = *offset;
		data += HEAD;
		size -= HEAD;
		if (p.data_len > size)
			p.data_len = (__u16)size;
		if (p.data_len > PIECE_MAX)
			p.data_len = PIECE_MAX;
		copy = malloc(p.data_len);
		if (p.data_len)
			memcpy(copy, data, p.data_len);
		if (head[0] & SERVERS) {
			read_servers(s, head, copy, p.data_len);
		} else {
			reading_payload(r, &p, copy);
			*offset += p.data_len;
		}
		free(copy);
		data += p.data_len;
		size -= p.data_len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct servers *s = servers_new();
	struct reading *r = s ? reading_new(s, check, NULL) : NULL;

	if (!r)
		abort();
	read_all(r, s, data, size);
	(void)reading_lost(r);
	reading_free(r);
	servers_free(s);
	return 0;
}
