/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quic.h - the ClientHello in the first packets of a QUIC connection (RFC 9000, RFC 9001; version 2: RFC
 * 9369). It may be spread over packets and datagrams, in pieces in any order. No I/O.
 */
#ifndef FEMTOSNITCH_NAMES_QUIC_H
#define FEMTOSNITCH_NAMES_QUIC_H

#include "collector/names/claim.h"

struct quic;

/* May this datagram begin a connection, of a version that we can read? */
bool quic_begins(const uint8_t *data, size_t len);

struct quic *quic_new(void);   /* NULL: no memory. 20 KB once a hello came in */
void quic_free(struct quic *); /* NULL is fine */

/* What the client sent in one call: one datagram, or several (UDP_SEGMENT). CLAIM_NONE: no more is to be
 * hoped for. The host lies in the struct quic. */
enum claim_found quic_sent(struct quic *, const uint8_t *data, size_t len, struct claim *);

#endif
