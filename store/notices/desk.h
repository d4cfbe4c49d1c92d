/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * desk.h - the socket that desktops connect to, and who is connected: at most DESK_CLIENTS, DESK_PER_USER of
 * one user. A client says who he is by being who he is (the kernel tells), and what he saw last: {"since":
 * ID}. From then on he gets a line of JSON per notice, and may say {"ack": PATH}, {"mute": PATH, "until":
 * UNIX SECONDS} for himself. One who does not read what is written to him is let go at DESK_BOUND; when he
 * comes again he says what he saw.
 */
#ifndef FEMTOSNITCH_STORE_NOTICES_DESK_H
#define FEMTOSNITCH_STORE_NOTICES_DESK_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/wire.h"

#define DESK_CLIENTS 64
#define DESK_PER_USER 8
#define DESK_BOUND (256 * 1024)
#define DESK_POLLFDS (DESK_CLIENTS + 1)

struct desk;

/* uid (WIRE_EVERYBODY: root) says it of a program. */
typedef void desk_order(void *arg, enum wire_order_verb, uint32_t uid, int64_t until_s, const char *program);

/* Listen on path, for everybody. group: whose members are administrators. NULL after a message. */
struct desk *desk_open(const char *path, const char *state_dir, gid_t group, desk_order *, void *arg);
void desk_close(struct desk *); /* the socket stays for the next one; NULL is fine */

size_t desk_poll(const struct desk *, struct pollfd *fds); /* room for DESK_POLLFDS */
void desk_serve(struct desk *, const struct pollfd *fds, size_t n);

void desk_tell(struct desk *);	      /* there is something new in snitch.db */
bool desk_holds(const struct desk *); /* something is held back (feed.h): to be looked at every second */

#endif
