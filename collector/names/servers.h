/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * servers.h - the name servers of this machine, as its resolv.conf(5) names them, and those that
 * systemd-resolved asks. An answer of one of them, received in the machine's own network namespace, is what
 * "Log ignore" believes (WIRE_NAME_SYSTEM); of any other it is a name to show. No I/O.
 *
 * Why so: to be such a server, one has to hold the machine's port 53 there, which is root's, or to be the
 * host that root chose. A program that asks a server of its own, or makes one in a network namespace of its
 * own (any user can), gains nothing by it; nor by what its C library "finds" (uprobes see what the program
 * lets them see: a hosts file of its own in a mount namespace, a library of its own): a name of
 * getaddrinfo(3) counts only where one of these servers said the same of that address. A server in a
 * container is not the machine's.
 *
 * Only answers taken as packets count (bpf/answer.bpf.c): what a program has received it can rewrite. What
 * this does not keep out is whoever can send packets in the name of such a server: root, and a host on the
 * way or on a link that lets it. Plain DNS has no defence against those; whoever expects them ignores by
 * address, port or SHA-256.
 *
 * Bound: SERVERS_MAX of each file; the C library uses three.
 */
#ifndef FEMTOSNITCH_NAMES_SERVERS_H
#define FEMTOSNITCH_NAMES_SERVERS_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/wire.h"

#define SERVERS_MAX 16

struct servers;

struct servers *servers_new(void);   /* NULL: no memory */
void servers_free(struct servers *); /* NULL is fine */

/* Of WIRE_HOSTS_SERVERS, WIRE_HOSTS_UPSTREAM. text: text_len bytes. What the last file said holds until the
 * next has come whole. */
void servers_piece(struct servers *, const struct wire_hosts *, const char *text);

/* Who answered: p was received from port 53. */
bool servers_answered(const struct servers *, const struct wire_payload *p);

#endif
