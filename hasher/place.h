/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * place.h - reads the path of a cgroup: which container, which unit of systemd. Pure: text in, text out.
 *
 * A name is believed as far out as it stands, never further in: what runs in a container can make directories
 * below its own and give them any name, but not above. What a user's own service manager made is below
 * user@UID.service, and named as freely as that user likes.
 */
#ifndef FEMTOSNITCH_HASHER_PLACE_H
#define FEMTOSNITCH_HASHER_PLACE_H

#include "bpf/wire.h"

struct place {
	const char *runtime;		     /* "docker"; NULL: not a container */
	char container[WIRE_PLACE_NAME_MAX]; /* as its runtime lists it: 64 hex digits, or a name; "" = none
					      */
	char unit[WIRE_PLACE_NAME_MAX];	     /* as systemctl takes it, with its \xNN; "" = none */
};

/* path: from the root of the hierarchy. Any bytes, any length. */
void place_read(struct place *, const char *path);

#endif
