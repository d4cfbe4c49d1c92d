// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_dns.c - any bytes as a message, read as answer and as announcement. Each name that comes out is one
 * that the wire takes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "collector/names/dns.h"
#include "config/wire_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(void *arg, const struct dns_address *a)
{
	struct wire_hdr hdr = {.version = WIRE_VERSION, .type = WIRE_NAME};
	struct {
		struct wire_name head;
		char text[WIRE_DOMAIN_MAX];
	} name = {.head = {.source = WIRE_NAME_DNS, .family = a->family, .name_len = (__u32)a->name_len}};

	(void)arg;
	if (a->name_len > WIRE_DOMAIN_MAX || a->ttl_s > INT32_MAX)
		abort();
	memcpy(name.text, a->name, a->name_len);
	hdr.len = (__u32)(sizeof(name.head) + a->name_len);
	if (wire_check(&hdr, &name))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_question q;

	if (dns_question(data, size, &q))
		dns_answer(data, size, &q, check, NULL);
	dns_announced(data, size, check, NULL);
	return 0;
}
