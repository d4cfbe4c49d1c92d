/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http.h - the host that a plain HTTP/1.x request is for (RFC 9112, 3.2). No I/O.
 *
 * Asked of a proxy, that is not whom the address belongs to but whom the program wants: the authority of
 * CONNECT, or that of a target with a scheme, which counts more than the field Host (3.2.2).
 */
#ifndef FEMTOSNITCH_NAMES_HTTP_H
#define FEMTOSNITCH_NAMES_HTTP_H

#include "collector/names/claim.h"

/* A TCP connection from its first byte on. */
enum claim_found http_request(const uint8_t *data, size_t len, struct claim *);

#endif
