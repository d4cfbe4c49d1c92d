/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * claim.h - what the readers of first bytes (tls, quic, http) find: the name that a program says it talks to.
 */
#ifndef FEMTOSNITCH_NAMES_CLAIM_H
#define FEMTOSNITCH_NAMES_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum claim_found {
	CLAIM_NONE, /* read to the end, or it is something else: there is no name in it */
	CLAIM_MORE, /* the bytes so far may become one */
	CLAIM_NAME,
};

struct claim {
	const uint8_t *host; /* within the bytes that were read, any bytes */
	size_t len;
	bool encrypted; /* an outer name: the ClientHello has an encrypted one (ECH) */
};

#endif
