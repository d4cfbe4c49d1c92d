/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quic_keys.h - how QUIC protects its first packets: with keys that anybody can make of the connection id
 * that the client chose (RFC 9001, 5.2; RFC 9369, 3.3). They keep routers from meddling, nothing is secret.
 * No I/O.
 *
 * The low-level functions of OpenSSL are deprecated in favour of EVP, and used all the same: EVP takes
 * megabytes where these take kilobytes, and what they decrypt is no secret.
 */
#ifndef FEMTOSNITCH_NAMES_QUIC_KEYS_H
#define FEMTOSNITCH_NAMES_QUIC_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUIC_V1 0x00000001u
#define QUIC_V2 0x6b3343cfu
#define QUIC_ID_MAX 20
#define QUIC_TAG 16
#define QUIC_SAMPLE 16

struct quic_keys;

/* Those of the client's packets. NULL: another version, or no memory. */
struct quic_keys *quic_keys_new(uint32_t version, const uint8_t *id, size_t id_len);
void quic_keys_free(struct quic_keys *); /* NULL is fine */

/* What to XOR to the first byte and the packet number (RFC 9001, 5.4). */
void quic_keys_mask(const struct quic_keys *, const uint8_t sample[QUIC_SAMPLE], uint8_t mask[5]);

/* A packet: its head in two parts, the number within them, then the payload (len, tag not counted; the tag
 * lies behind it) to plain. False: it was made with other keys. */
struct quic_packet {
	uint8_t first;	     /* the first byte, unprotected */
	const uint8_t *head; /* the bytes behind it, up to the number */
	size_t head_len;
	const uint8_t *number; /* unprotected */
	size_t number_len;
	const uint8_t *payload;
	size_t len;
};
bool quic_keys_open(struct quic_keys *, const struct quic_packet *, uint8_t *plain);

#endif
