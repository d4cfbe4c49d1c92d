/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hosts.h - what hosts(5) of the machine says: of each address the first name, which is the canonical one.
 * Said once, and again when it changes. No I/O.
 *
 * Bound: HOSTS_MAX addresses; what is past them is left out. Lists of what is to be blocked are long, but of
 * one address.
 */
#ifndef FEMTOSNITCH_NAMES_HOSTS_H
#define FEMTOSNITCH_NAMES_HOSTS_H

#include "bpf/wire.h"

#define HOSTS_MAX 1024

struct hosts;

/* name has wire_name.name_len bytes with the NUL. */
typedef void hosts_told(void *arg, const struct wire_name *, const char *name);

struct hosts *hosts_new(hosts_told *, void *arg); /* NULL: no memory */
void hosts_free(struct hosts *);		  /* NULL is fine */

/* text: text_len bytes. */
void hosts_piece(struct hosts *, const struct wire_hosts *, const char *text);

#endif
