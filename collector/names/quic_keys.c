// SPDX-License-Identifier: GPL-2.0-or-later
#define OPENSSL_SUPPRESS_DEPRECATED
#include "collector/names/quic_keys.h"

#include <openssl/aes.h>
#include <openssl/modes.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define SECRET SHA256_DIGEST_LENGTH
#define IV 12
#define KEY 16

struct quic_keys {
	AES_KEY payload, head;
	uint8_t iv[IV];
	GCM128_CONTEXT *gcm;
};

static const struct version {
	uint32_t number;
	uint8_t salt[20];
	const char *key, *iv, *head;
} versions[] = {
	{QUIC_V1,
	 {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
	  0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
	 "quic key",
	 "quic iv",
	 "quic hp"},
	{QUIC_V2,
	 {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
	  0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
	 "quicv2 key",
	 "quicv2 iv",
	 "quicv2 hp"},
};

/* RFC 2104. The key is no longer than a block. */
static void hmac(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len, uint8_t out[SECRET])
{
	uint8_t pad[SHA256_CBLOCK] = {0};
	SHA256_CTX ctx;
	size_t i;

	memcpy(pad, key, key_len);
	for (i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36;
	SHA256_Init(&ctx);
	SHA256_Update(&ctx, pad, sizeof(pad));
	SHA256_Update(&ctx, data, len);
	SHA256_Final(out, &ctx);
	for (i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	SHA256_Init(&ctx);
	SHA256_Update(&ctx, pad, sizeof(pad));
	SHA256_Update(&ctx, out, SECRET);
	SHA256_Final(out, &ctx);
}

/* HKDF-Expand-Label of RFC 8446, 7.1, without a context: one block is always enough. len <= SECRET. */
static void expand(const uint8_t secret[SECRET], const char *label, uint8_t *out, size_t len)
{
	static const char prefix[] = "tls13 ";
	const size_t prefix_len = sizeof(prefix) - 1, label_len = strlen(label);
	uint8_t info[64], block[SECRET];
	size_t n = 0;

	info[n++] = 0;
	info[n++] = (uint8_t)len;
	info[n++] = (uint8_t)(prefix_len + label_len);
	memcpy(info + n, prefix, prefix_len);
	n += prefix_len;
	memcpy(info + n, label, label_len);
	n += label_len;
	info[n++] = 0; /* no context */
	info[n++] = 1; /* the first block of HKDF-Expand (RFC 5869, 2.3) */
	hmac(secret, SECRET, info, n, block);
	memcpy(out, block, len);
}

static void derive(struct quic_keys *k, const struct version *v, const uint8_t *id, size_t id_len)
{
	uint8_t secret[SECRET], key[KEY];

	hmac(v->salt, sizeof(v->salt), id, id_len, secret);
	expand(secret, "client in", secret, sizeof(secret));
	expand(secret, v->iv, k->iv, sizeof(k->iv));
	expand(secret, v->head, key, sizeof(key));
	AES_set_encrypt_key(key, 8 * KEY, &k->head);
	expand(secret, v->key, key, sizeof(key));
	AES_set_encrypt_key(key, 8 * KEY, &k->payload);
}

static void encrypt_block(const unsigned char in[16], unsigned char out[16], const void *key)
{
	AES_encrypt(in, out, key);
}

struct quic_keys *quic_keys_new(uint32_t version, const uint8_t *id, size_t id_len)
{
	struct quic_keys *k;
	size_t i;

	for (i = 0; versions[i].number != version;)
		if (++i == sizeof(versions) / sizeof(versions[0]))
			return NULL;
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	derive(k, &versions[i], id, id_len);
	k->gcm = CRYPTO_gcm128_new(&k->payload, encrypt_block);
	if (!k->gcm) {
		free(k);
		return NULL;
	}
	return k;
}

void quic_keys_free(struct quic_keys *k)
{
	if (!k)
		return;
	CRYPTO_gcm128_release(k->gcm);
	free(k);
}

void quic_keys_mask(const struct quic_keys *k, const uint8_t sample[QUIC_SAMPLE], uint8_t mask[5])
{
	uint8_t block[AES_BLOCK_SIZE];

	AES_encrypt(sample, block, &k->head);
	memcpy(mask, block, 5);
}

bool quic_keys_open(struct quic_keys *k, const struct quic_packet *p, uint8_t *plain)
{
	uint8_t nonce[IV];
	size_t i;

	memcpy(nonce, k->iv, IV);
	for (i = 0; i < p->number_len; i++)
		nonce[IV - p->number_len + i] ^= p->number[i];
	CRYPTO_gcm128_setiv(k->gcm, nonce, IV);
	if (CRYPTO_gcm128_aad(k->gcm, &p->first, 1) != 0 ||
	    CRYPTO_gcm128_aad(k->gcm, p->head, p->head_len) != 0 ||
	    CRYPTO_gcm128_aad(k->gcm, p->number, p->number_len) != 0 ||
	    CRYPTO_gcm128_decrypt(k->gcm, p->payload, plain, p->len) != 0)
		return false;
	return CRYPTO_gcm128_finish(k->gcm, p->payload + p->len, QUIC_TAG) == 0;
}
