// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * asked.c - see asked.h. A question is kept as a digest: whoever answers can choose its bytes, and must not
 * find another question that counts as the same.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "collector/names/asked.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST 16

struct entry {
	uint64_t cookie;
	uint8_t server[WIRE_ADDR_SIZE];
	uint8_t question[DIGEST];
	bool waits;
};

struct asked {
	unsigned used, next; /* entries behind used were never touched */
	struct entry entry[ASKED_MAX];
};

struct asked *asked_new(void)
{
	return calloc(1, sizeof(struct asked));
}

void asked_free(struct asked *a)
{
	free(a);
}

static void digest(const struct dns_question *q, uint8_t out[DIGEST])
{
	uint8_t whole[SHA256_DIGEST_LENGTH];
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, &q->id, sizeof(q->id));
	SHA256_Update(&ctx, &q->type, sizeof(q->type));
	SHA256_Update(&ctx, q->name, q->name_len);
	SHA256_Final(whole, &ctx);
	memcpy(out, whole, DIGEST);
}

void asked_add(struct asked *a, uint64_t cookie, const uint8_t server[WIRE_ADDR_SIZE],
	       const struct dns_question *q)
{
	struct entry *e = &a->entry[a->next];

	a->next = (a->next + 1) % ASKED_MAX;
	if (a->used < ASKED_MAX)
		a->used++;
	e->cookie = cookie;
	memcpy(e->server, server, WIRE_ADDR_SIZE);
	digest(q, e->question);
	e->waits = true;
}

static bool same_server(const uint8_t a[WIRE_ADDR_SIZE], const uint8_t b[WIRE_ADDR_SIZE])
{
	static const uint8_t unknown[WIRE_ADDR_SIZE];

	return memcmp(a, b, WIRE_ADDR_SIZE) == 0 || memcmp(a, unknown, WIRE_ADDR_SIZE) == 0 ||
	       memcmp(b, unknown, WIRE_ADDR_SIZE) == 0;
}

bool asked_take(struct asked *a, uint64_t cookie, const uint8_t server[WIRE_ADDR_SIZE],
		const struct dns_question *q)
{
	uint8_t question[DIGEST];

	digest(q, question);
	for (unsigned i = 0; i < a->used; i++) {
		struct entry *e = &a->entry[i];

		if (e->waits && e->cookie == cookie && memcmp(e->question, question, DIGEST) == 0 &&
		    same_server(e->server, server)) {
			e->waits = false;
			return true;
		}
	}
	return false;
}
