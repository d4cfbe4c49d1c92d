/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * handover.h - file descriptors with names, from one process to another over a Unix socket: all of them in
 * one message, so that they come together or not at all.
 */
#ifndef FEMTOSNITCH_HANDOVER_H
#define FEMTOSNITCH_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>

#define HANDOVER_MAX 250      /* the kernel passes 253 at once (SCM_MAX_FD) */
#define HANDOVER_FD 3	      /* of a stage that was started with --handover */
#define HANDOVER_NAME_SIZE 80 /* letters, digits and ".-_" */

struct handover {
	bool more; /* beside what was sent before, not instead of it */
	unsigned n;
	int fd[HANDOVER_MAX];
	char name[HANDOVER_MAX][HANDOVER_NAME_SIZE];
};

int handover_pair(int ends[2]); /* both close-on-exec. 0 or -errno */

/* Add one; the descriptor belongs to the handover from then on. 0, or -EINVAL, -ENOSPC: it stays the
 * caller's. */
int handover_add(struct handover *, const char *name, size_t name_len, int fd);

/* Send all; they stay the sender's too. 0 or -errno. */
int handover_send(int sock, const struct handover *);

/* Wait for a message. 0, -ENODATA: the other end was closed, or -EPROTO or another -errno: nothing came. */
int handover_receive(int sock, struct handover *);

void handover_close(struct handover *);

#endif
