/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lines.h - files of the machine (hosts, resolv.conf) as they come from the collector: lines from pieces, and
 * the addresses in them. No I/O.
 *
 * Bound: LINES_MAX bytes of a line; what is past them is left out.
 */
#ifndef FEMTOSNITCH_NAMES_LINES_H
#define FEMTOSNITCH_NAMES_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"

#define LINES_MAX 512
#define LINES_BLANKS " \t\r\f\v"

/* Where a file is read: all zero before its first piece. */
struct lines {
	size_t len;
	char line[LINES_MAX + 1];
};

/* line may be written to; its comment has gone. */
typedef void lines_taken(void *arg, char *line);

/* text: text_len bytes. */
void lines_piece(struct lines *, const struct wire_hosts *, const char *text, lines_taken *, void *arg);

/* An address in digits: AF_INET or AF_INET6 and its bytes, 0: it is none, or that of nobody (0.0.0.0, ::). */
int lines_address(const char *text, uint8_t addr[WIRE_ADDR_SIZE]);

#endif
