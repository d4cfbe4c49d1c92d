/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link.h - the connection to the system's side (store/notices/desk.h): lines of JSON both ways, made again
 * when it breaks, later each time up to a minute. What was seen last is kept in a file, so that nothing is
 * told twice and nothing is lost while nobody is logged in.
 */
#ifndef FEMTOSNITCH_STORE_NOTIFY_LINK_H
#define FEMTOSNITCH_STORE_NOTIFY_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/notify/notice.h"

struct link;

/* Valid during the call. */
typedef void link_told(void *arg, const struct notice *);

/* Connect to socket when the main loop runs, and call told. state: the file. NULL: no memory. */
struct link *link_open(const char *socket, const char *state, link_told *, void *arg);
void link_close(struct link *);

/* Say it for the user whose session this is. until_s 0: for ever. */
void link_ack(struct link *, const char *program);
void link_mute(struct link *, const char *program, int64_t until_s);

int link_connect(const char *socket); /* an fd, or -errno: for who only wants to know */

#endif
