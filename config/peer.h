/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer.h - who is at the other end of a Unix socket, as the kernel says.
 */
#ifndef FEMTOSNITCH_PEER_H
#define FEMTOSNITCH_PEER_H

#include <stdbool.h>
#include <sys/types.h>

/* Is the peer, whose primary group (SO_PEERCRED) is given, in group? */
bool peer_in_group(int fd, gid_t primary, gid_t group);

#endif
