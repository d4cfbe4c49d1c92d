// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_quic.c - any bytes as datagrams of a QUIC client, each behind its length or all as one. A fuzzer does
 * not make packets that decrypt, so what it changes in the corpus are their heads.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/domain.h"
#include "collector/names/quic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(struct quic *q, const uint8_t *data, size_t len)
{
	char text[WIRE_DOMAIN_MAX];
	struct claim claim;

	(void)quic_begins(data, len);
	if (quic_sent(q, data, len, &claim) == CLAIM_NAME &&
	    domain_of_host(text, claim.host, claim.len) > WIRE_DOMAIN_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct quic *q = quic_new();
	size_t at, len;

	if (!q)
		return 0;
	use(q, data, size);
	for (at = 0; at + 2 <= size; at += 2 + len) {
		len = (size_t)data[at] << 8 | data[at + 1];
		if (len > size - at - 2)
			len = size - at - 2;
		use(q, data + at + 2, len);
	}
	quic_free(q);
	return 0;
}
