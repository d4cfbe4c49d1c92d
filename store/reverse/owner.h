/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * owner.h - what the owner of an address calls it (RFC 1035, 3.5: PTR), by getnameinfo(3): through
 * nsswitch.conf and resolv.conf, as any program of this machine asks.
 */
#ifndef FEMTOSNITCH_REVERSE_OWNER_H
#define FEMTOSNITCH_REVERSE_OWNER_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"

#define OWNER_WAIT_S 2 /* for each name server, once */

/* Before the first lookup. */
void owner_open(void);

/* Blocks. The length of the name with its NUL, as wire.h writes names; 0: it has none, or nobody said it in
 * time. */
size_t owner_name(int family, const uint8_t addr[WIRE_ADDR_SIZE], char text[WIRE_DOMAIN_MAX]);

#endif
