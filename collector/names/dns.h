/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dns.h - reads one message of DNS (RFC 1035), LLMNR (RFC 4795) or mDNS (RFC 6762). No I/O.
 *
 * What a server writes is believed only as far as it answers the question: addresses of the name that was
 * asked for, or of a name that it leads to by CNAMEs, in the section of answers. Anything else in a message
 * may be what a stranger would like to see in the log.
 */
#ifndef FEMTOSNITCH_NAMES_DNS_H
#define FEMTOSNITCH_NAMES_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"

#define DNS_NAME 256	    /* a name as labels, RFC 1035 */
#define DNS_RECORDS_MAX 128 /* answers that are looked at; what is behind them stays without a name */
#define DNS_CHAIN_MAX 16    /* CNAMEs that are followed */

struct dns_question {
	uint16_t id;
	uint16_t type;		/* A, AAAA, HTTPS, SVCB or ANY: those whose answers have addresses */
	bool answered;		/* the message is an answer without an error */
	uint8_t name[DNS_NAME]; /* labels in lower case */
	size_t name_len;	/* with the empty one at the end */
};

/* An address of a name; name has name_len bytes with the NUL, as wire.h writes them. */
struct dns_address {
	uint16_t family;
	uint8_t addr[WIRE_ADDR_SIZE];
	uint32_t ttl_s; /* the least on the way from the question */
	const char *name;
	size_t name_len;
};
typedef void dns_told(void *arg, const struct dns_address *);

/* False: it is no message, none with one question of class IN for addresses. */
bool dns_question(const uint8_t *msg, size_t len, struct dns_question *);

/* The addresses in the answer to this question, which the same message has. What was cut off the message at
 * its end, by us or by the server (TC), is not there; what is before it is: musl before 1.2.4 asks no second
 * time. */
void dns_answer(const uint8_t *msg, size_t len, const struct dns_question *, dns_told *, void *arg);

/* mDNS: nobody need have asked, and the names are those of the records, all of them below .local. */
void dns_announced(const uint8_t *msg, size_t len, dns_told *, void *arg);

#endif
