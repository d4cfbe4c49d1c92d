/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * asked.h - remembers the questions that wait for their answer, so that an answer nobody asked for names
 * nothing. ASKED_MAX of them, on all sockets: past that the oldest is forgotten, and its answer is not
 * believed. No I/O.
 */
#ifndef FEMTOSNITCH_NAMES_ASKED_H
#define FEMTOSNITCH_NAMES_ASKED_H

#include "collector/names/dns.h"

#define ASKED_MAX 512 /* 24 KB */

struct asked;

struct asked *asked_new(void);	 /* NULL: no memory */
void asked_free(struct asked *); /* NULL is fine */

/* Of the socket with this cookie. server: whom it was sent to, all zero where that is not known. */
void asked_add(struct asked *, uint64_t cookie, const uint8_t server[WIRE_ADDR_SIZE],
	       const struct dns_question *);

/* Was that asked, of this server? Then it is answered now, and no more asked. */
bool asked_take(struct asked *, uint64_t cookie, const uint8_t server[WIRE_ADDR_SIZE],
		const struct dns_question *);

#endif
