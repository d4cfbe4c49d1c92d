// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_http.c - any bytes as the beginning of a request. A longer beginning never unsays what was found.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/domain.h"
#include "collector/names/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum claim_found found, half;
	char text[WIRE_DOMAIN_MAX];
	struct claim claim;

	half = http_request(data, size / 2, &claim);
	found = http_request(data, size, &claim);
	if (half != CLAIM_MORE && found != half)
		abort();
	if (found == CLAIM_NAME && domain_of_host(text, claim.host, claim.len) > WIRE_DOMAIN_MAX)
		abort();
	return 0;
}
