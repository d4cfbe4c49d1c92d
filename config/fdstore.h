/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fdstore.h - what the service manager keeps for us while we do not run (systemd's file descriptor store,
 * FileDescriptorStoreMax= in systemd.service(5)): maps, programs and links of the collector, and its journal.
 * The kernel goes on counting as long as somebody holds them, and gives the next collector what was counted
 * meanwhile. Whether to keep or to let go is the manager's affair: it keeps while the service restarts or is
 * about to, and lets go when it was stopped for good.
 *
 * The supervisor only passes them on: systemd -> supervisor -> collector at the start, and
 * collector -> supervisor -> systemd when the collector has made new ones. It closes its copies at once.
 */
#ifndef FEMTOSNITCH_FDSTORE_H
#define FEMTOSNITCH_FDSTORE_H

#include "config/handover.h"

struct fdstore {
	int end; /* ours of the socket to the collector; -1: no service manager, or nobody speaks any more */
	unsigned n;			  /* names of what the manager holds for us since before we started */
	char (*name)[HANDOVER_NAME_SIZE]; /* NULL: none */
};

/* Take what the manager handed to us (LISTEN_FDS), out of the environment too, and have it wait in a new
 * socket, of which *theirs is the end for the collector, -1 where no manager started us. After notify_open().
 */
void fdstore_open(struct fdstore *, int *theirs);

int fdstore_fd(const struct fdstore *); /* readable when the collector speaks; -1 */

/* The collector has handed over what is to be kept from now on, instead of all that was, or beside it. */
void fdstore_take(struct fdstore *);

void fdstore_close(struct fdstore *);

#endif
