// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/names/quic.h"

#include <stdlib.h>
#include <string.h>

#include "bpf/wire.h"
#include "collector/names/bytes.h"
#include "collector/names/quic_keys.h"
#include "collector/names/tls.h"

#define LONG_HEADER 0xc0 /* and the fixed bit */
#define PACKETS_MAX 16	 /* that are looked at in one call */

enum frame {
	FRAME_PADDING = 0x00,
	FRAME_PING = 0x01,
	FRAME_ACK = 0x02,
	FRAME_ACK_ECN = 0x03,
	FRAME_CRYPTO = 0x06,
};

struct quic {
	struct quic_keys *keys;
	uint8_t id[QUIC_ID_MAX]; /* that the keys were made of */
	size_t id_len;
	uint8_t *hello;			 /* TLS_HELLO_MAX bytes; NULL: nothing came yet */
	uint8_t have[TLS_HELLO_MAX / 8]; /* which of them came, a bit each */
	size_t whole;			 /* so many from the beginning */
};

/* A packet with a long header, still protected. */
struct protected
{
	uint32_t version;
	bool initial;
	struct bytes all; /* from the first byte to the end of the packet */
	struct bytes id;
	size_t number_at; /* offset of the packet number */
};

/* RFC 9000, 16. */
static uint64_t take_varint(struct bytes *b)
{
	size_t len = b->left > 0 ? 1u << (b->at[0] >> 6) : 1;
	uint64_t value = bytes_number(b, len);

	return value & ~(UINT64_C(3) << (8 * len - 2));
}

static bool is_known(uint32_t version)
{
	return version == QUIC_V1 || version == QUIC_V2;
}

/* The type has other numbers in version 2 (RFC 9369, 3.2). */
static bool is_initial(uint32_t version, uint8_t first)
{
	return (first >> 4 & 3) == (version == QUIC_V2 ? 1 : 0);
}

/* Retry packets have no length, but clients do not send them. */
static bool take_packet(struct bytes *b, struct protected *p)
{
	struct bytes whole = *b;
	uint64_t len;
	uint8_t first = (uint8_t)bytes_number(b, 1);

	p->version = (uint32_t)bytes_number(b, 4);
	if (b->short_of || (first & LONG_HEADER) != LONG_HEADER || !is_known(p->version))
		return false;
	p->initial = is_initial(p->version, first);
	p->id = bytes_vector(b, 1);
	bytes_vector(b, 1); /* the client's own id */
	if (p->id.left > QUIC_ID_MAX)
		return false;
	if (p->initial)
		bytes_take(b, take_varint(b)); /* token */
	len = take_varint(b);
	p->number_at = whole.left - b->left;
	bytes_take(b, len);
	p->all = bytes_take(&whole, whole.left - b->left);
	return !b->short_of;
}

bool quic_begins(const uint8_t *data, size_t len)
{
	struct bytes b = {.at = data, .left = len};
	uint8_t first = (uint8_t)bytes_number(&b, 1);
	uint32_t version = (uint32_t)bytes_number(&b, 4);

	return !b.short_of && (first & LONG_HEADER) == LONG_HEADER && is_known(version) &&
	       is_initial(version, first);
}

struct quic *quic_new(void)
{
	return calloc(1, sizeof(struct quic));
}

void quic_free(struct quic *q)
{
	if (!q)
		return;
	quic_keys_free(q->keys);
	free(q->hello);
	free(q);
}

static bool has_id(const struct quic *q, struct bytes id)
{
	return q->keys && q->id_len == id.left && memcmp(q->id, id.at, id.left) == 0;
}

/* Begin with the keys that this id makes. False: no memory. */
static bool begin(struct quic *q, const struct protected *p)
{
	quic_keys_free(q->keys);
	q->keys = quic_keys_new(p->version, p->id.at, p->id.left);
	memcpy(q->id, p->id.at, p->id.left);
	q->id_len = p->id.left;
	memset(q->have, 0, sizeof(q->have));
	q->whole = 0;
	return q->keys != NULL;
}

/* The payload of a packet into plain, which has room for the packet; its length. 0: it is not protected by
 * these keys. Numbers are as small in the first packets as they are written. */
static size_t open_packet(struct quic *q, const struct protected *p, uint8_t *plain)
{
	const uint8_t *at = p->all.at, *number = at + p->number_at;
	uint8_t mask[5], clear[4];
	struct quic_packet packet = {.head = at + 1, .head_len = p->number_at - 1, .number = clear};
	size_t i;

	if (p->all.left < p->number_at + 4 + QUIC_SAMPLE)
		return 0;
	quic_keys_mask(q->keys, number + 4, mask);
	packet.first = at[0] ^ (mask[0] & 0x0f);
	packet.number_len = (packet.first & 3) + 1;
	for (i = 0; i < packet.number_len; i++)
		clear[i] = number[i] ^ mask[1 + i];
	packet.payload = number + packet.number_len;
	packet.len = p->all.left - p->number_at - packet.number_len - QUIC_TAG;
	return quic_keys_open(q->keys, &packet, plain) ? packet.len : 0;
}

/* A piece of the hello. What goes past its bound is left out: then it never gets whole. */
static bool put_piece(struct quic *q, uint64_t offset, struct bytes piece)
{
	if (!q->hello && !(q->hello = malloc(TLS_HELLO_MAX)))
		return false;
	if (offset > TLS_HELLO_MAX || piece.left > TLS_HELLO_MAX - offset)
		return false;
	memcpy(q->hello + offset, piece.at, piece.left);
	for (uint64_t i = offset; i < offset + piece.left; i++)
		q->have[i / 8] |= (uint8_t)(1u << i % 8);
	while (q->whole < TLS_HELLO_MAX && q->have[q->whole / 8] >> q->whole % 8 & 1)
		q->whole++;
	return true;
}

/* RFC 9000, 19.3. */
static void skip_ack(struct bytes *b, bool with_ecn)
{
	uint64_t ranges;

	take_varint(b); /* the largest */
	take_varint(b); /* delay */
	ranges = take_varint(b);
	take_varint(b); /* the first range */
	while (ranges-- > 0 && !b->short_of) {
		take_varint(b);
		take_varint(b);
	}
	for (int i = 0; with_ecn && i < 3; i++)
		take_varint(b);
}

/* The frames that an Initial may have (RFC 9000, 12.4); anything else ends it. False: no hello will come. */
static bool read_frames(struct quic *q, struct bytes b)
{
	while (b.left > 0) {
		uint64_t type = take_varint(&b), offset;
		struct bytes piece;

		if (type == FRAME_PADDING || type == FRAME_PING)
			continue;
		if (type == FRAME_ACK || type == FRAME_ACK_ECN) {
			skip_ack(&b, type == FRAME_ACK_ECN);
			continue;
		}
		if (type != FRAME_CRYPTO)
			return false;
		offset = take_varint(&b);
		piece = bytes_take(&b, take_varint(&b));
		if (b.short_of || !put_piece(q, offset, piece))
			return false;
	}
	return true;
}

/* Keys stay the same when the server has given itself another id, and change after a Retry (RFC 9001, 5.2).
 */
static enum claim_found read_packet(struct quic *q, const struct protected *p, struct claim *claim)
{
	static uint8_t plain[WIRE_PAYLOAD_MAX];
	size_t len = 0;

	if (p->all.left > sizeof(plain))
		return CLAIM_NONE;
	if (q->keys)
		len = open_packet(q, p, plain);
	if (len == 0 && !has_id(q, p->id) && begin(q, p))
		len = open_packet(q, p, plain);
	if (len == 0 || !read_frames(q, (struct bytes){.at = plain, .left = len}))
		return CLAIM_NONE;
	return tls_hello(q->hello, q->whole, claim);
}

enum claim_found quic_sent(struct quic *q, const uint8_t *data, size_t len, struct claim *claim)
{
	struct bytes b = {.at = data, .left = len};
	enum claim_found found = CLAIM_NONE;

	for (int i = 0; i < PACKETS_MAX && b.left > 0; i++) {
		struct protected p;

		if (!take_packet(&b, &p))
			break;
		if (p.initial && (found = read_packet(q, &p, claim)) != CLAIM_MORE)
			return found;
		while (b.left > 0 && b.at[0] == 0) /* a datagram may be padded behind its packets */
			bytes_take(&b, 1);
	}
	return found;
}
