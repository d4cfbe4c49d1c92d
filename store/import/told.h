/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * told.h - what a row of picosnitch means in our words: clean text, addresses as bytes, domains in natural
 * order, a SHA-256 or why there is none, and no more than our settings let be kept. No I/O.
 */
#ifndef FEMTOSNITCH_STORE_IMPORT_TOLD_H
#define FEMTOSNITCH_STORE_IMPORT_TOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/wire.h"
#include "config/settings.h"
#include "store/import/already.h"
#include "store/import/rows.h"
#include "store/text.h"

struct told_program {
	bool known, has_sha256;
	char *exe, *name, *cmdline; /* owned; NULL = unknown */
	uint8_t sha256[WIRE_SHA256_SIZE];
	enum wire_hash_error hash_error;
	uint32_t flags; /* SCHEMA_FLAG_* */
};

struct told {
	int64_t contime_s, send, recv, events, uid, family, protocol, netns, lport, rport;
	struct told_program who[3];
	uint8_t laddr[WIRE_ADDR_SIZE], raddr[WIRE_ADDR_SIZE];
	bool laddr_known, raddr_known, addresses_off;
	char laddr_text[TEXT_ADDRESS_SIZE], raddr_text[TEXT_ADDRESS_SIZE];
	char *domain;	 /* owned, as wire_name has it; NULL = unknown */
	bool bad_domain; /* there was one, but it is none */
};

struct told *told_new(const struct rows_row *, const struct settings *); /* NULL: no memory */
void told_free(struct told *);

bool told_ignored(const struct told *, const struct settings *); /* by "Log ignore" */
void told_row(const struct told *, struct already_row *);	 /* refers to it */

/* 64 hexadecimal digits; false: they are none. */
bool told_sha256(const char *text, size_t len, uint8_t sha256[WIRE_SHA256_SIZE]);

#endif
