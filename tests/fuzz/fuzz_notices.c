// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_notices.c - any bytes as what a local user says to femtosnitch-notices. What is understood makes an
 * order that keeps the contract of the wire.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/wire_check.h"
#include "store/notices/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct {
		struct wire_order head;
		char program[WIRE_PATH_MAX];
	} order;
	struct wire_hdr hdr = {.version = WIRE_VERSION, .type = WIRE_ORDER};
	struct request r;

	if (!request_parse(&r, (const char *)data, size))
		return 0;
	if (r.program) {
		order.head = (struct wire_order){
			.id = 1, .until_s = r.until_s, .program_len = (__u32)strlen(r.program)};
		memcpy(order.program, r.program, order.head.program_len);
		hdr.len = (__u32)sizeof(order.head) + order.head.program_len;
		if (order.head.program_len == 0 || wire_check(&hdr, &order))
			abort();
	} else if (r.kind != REQUEST_SINCE || r.since < 0) {
		abort();
	}
	free(r.program);
	return 0;
}
