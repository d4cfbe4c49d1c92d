/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reading.h - what a payload is, and whom to ask for the name in it. Names go to a function of the caller. No
 * I/O.
 *
 *   sent by the program       TLS, QUIC, HTTP: a claim of the connection. What a program receives names
 *                             itself, not its peer, and is not looked at
 *   to port 53, 5355          a question, remembered (asked.h)
 *   from port 53, 5355        the answer, if it was asked for: addresses of the name
 *   a packet from port 53     the same, whoever asked: "Log ignore" believes these (bpf/answer.bpf.c)
 *   from port 5353            mDNS: addresses of names below .local
 */
#ifndef FEMTOSNITCH_NAMES_READING_H
#define FEMTOSNITCH_NAMES_READING_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"
#include "collector/names/servers.h"

struct reading;

/* name has wire_name.name_len bytes with the NUL. */
typedef void reading_told(void *arg, const struct wire_name *, const char *name);

/* The servers are kept, not copied. NULL: no memory. */
struct reading *reading_new(const struct servers *, reading_told *, void *arg);
void reading_free(struct reading *); /* NULL is fine */

/* data: data_len bytes that were checked with wire_check(). */
void reading_payload(struct reading *, const struct wire_payload *, const uint8_t *data);

/* Beginnings of connections that were given up since it was asked last: there may have been a name in them.
 */
uint64_t reading_lost(struct reading *);

#endif
