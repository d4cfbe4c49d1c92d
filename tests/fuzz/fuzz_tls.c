// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_tls.c - any bytes as the beginning of a TLS connection. A longer beginning never unsays what was
 * found.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/domain.h"
#include "collector/names/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum claim_found found, half;
	char text[WIRE_DOMAIN_MAX];
	struct claim claim;

	half = tls_records(data, size / 2, &claim);
	found = tls_records(data, size, &claim);
	if (half != CLAIM_MORE && found != half)
		abort();
	if (found == CLAIM_NAME && domain_of_host(text, claim.host, claim.len) > WIRE_DOMAIN_MAX)
		abort();
	return 0;
}
