/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * distance.h - who answers when a file is opened, read or closed. What may not answer is never touched by the
 * loop; and who cannot be trusted to answer holds up nobody but his own kind, or any user could blind us for
 * the containers of all.
 */
#ifndef FEMTOSNITCH_HASHER_DISTANCE_H
#define FEMTOSNITCH_HASHER_DISTANCE_H

enum distance {
	DISTANCE_NEAR,	  /* the kernel by itself */
	DISTANCE_FAR,	  /* a server, or what root mounted where we do not live */
	DISTANCE_STRANGE, /* any user: FUSE, or what was mounted in a user namespace (an overlay over FUSE) */
	DISTANCE__MAX
};

#endif
