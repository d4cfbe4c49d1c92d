/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domain.h - names as bytes of strangers, and names as wire.h writes them: lower case, natural order,
 * anything but letters, digits, '-', '_' and the dots between labels as \DDD (RFC 4343). No I/O.
 */
#ifndef FEMTOSNITCH_DOMAIN_H
#define FEMTOSNITCH_DOMAIN_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"

/* A host as programs write it (SNI, Host, hosts(5)); one dot at its end is left out. Its length with the NUL;
 * 0: that is no name: nothing, longer than 255 bytes, or an address in digits. */
size_t domain_of_host(char text[WIRE_DOMAIN_MAX], const void *host, size_t len);

/* A name as DNS has it, without compression: labels, each behind its length, up to the empty one (RFC 1035,
 * 3.1). Its length with the NUL; 0: the root. */
size_t domain_of_labels(char text[WIRE_DOMAIN_MAX], const uint8_t *labels);

#endif
