/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text.h - foreign bytes as they stand in the log: valid UTF-8 as it is, newlines included, every other byte
 * as \xNN. No I/O, no state. What is returned belongs to the caller (free); NULL: no memory.
 */
#ifndef FEMTOSNITCH_STORE_TEXT_H
#define FEMTOSNITCH_STORE_TEXT_H

#include <stddef.h>

#define TEXT_ADDRESS_SIZE 64 /* INET6_ADDRSTRLEN is 46, the name of a device \xNN 15 times */

/* len bytes; a NUL among them becomes \x00. */
char *text_clean(const char *bytes, size_t len);

/* Arguments, each ended by a NUL that len counts, as one line a shell would read back: quoted only where
 * needed, `curl -s 'a b'`. cut: more arguments followed, shown as " ...". */
char *text_command(const char *argv, size_t len, int cut);

/* An address in canonical text; of a vsock its CID, of frames (AF_PACKET, AF_XDP) their device; NULL: none.
 */
const char *text_address(char buf[TEXT_ADDRESS_SIZE], int family, const void *addr);

#endif
