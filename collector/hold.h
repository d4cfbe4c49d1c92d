/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hold.h - what keeps our part of the kernel alive: file descriptors of maps, programs and links, by name.
 * Nothing is pinned, so what nobody holds is gone.
 */
#ifndef FEMTOSNITCH_HOLD_H
#define FEMTOSNITCH_HOLD_H

#define HOLD_MAX 230	  /* a program takes two: itself and its link */
#define HOLD_NAME_SIZE 32 /* of a BPF program or map, as in the source */

enum hold_kind {
	HOLD_MAP,
	HOLD_PROGRAM,
	HOLD_LINK,
	HOLD__MAX
};

struct held {
	enum hold_kind kind;
	int fd;
	char name[HOLD_NAME_SIZE];
};

struct hold {
	unsigned n;
	struct held held[HOLD_MAX];
};

const char *hold_kind_name(enum hold_kind); /* "map"... */

/* Keep a copy of fd, which stays the caller's. 0 or -errno (-ENOSPC, -ENAMETOOLONG). */
int hold_copy(struct hold *, enum hold_kind, const char *name, int fd);

int hold_fd(const struct hold *, enum hold_kind, const char *name); /* still ours; -1: there is none */

void hold_close(struct hold *, enum hold_kind, const char *name);
void hold_close_all(struct hold *);

#endif
