/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls.h - the server's name in a ClientHello (RFC 8446, 4.1.2; server_name: RFC 6066, 3). No I/O.
 *
 * An encrypted ClientHello (extension 0xfe0d, RFC 9849) has another one inside: what is read here is then
 * the outer name. Browsers send one with random content where they have no key, and nobody but the server can
 * tell.
 */
#ifndef FEMTOSNITCH_NAMES_TLS_H
#define FEMTOSNITCH_NAMES_TLS_H

#include "collector/names/claim.h"

#define TLS_HELLO_MAX 16384 /* bytes; post-quantum key shares make 1.8 KB of a usual one */

/* A TCP connection from its first byte on: records (RFC 8446, 5.1), over which the hello may be spread. The
 * host lies in data or in memory of this module, until the next call. */
enum claim_found tls_records(const uint8_t *data, size_t len, struct claim *);

/* The handshake message itself, as QUIC has it. */
enum claim_found tls_hello(const uint8_t *data, size_t len, struct claim *);

#endif
