/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * links.h - the network interfaces of this process's network namespace: what they moved, and which of them
 * lead away from this machine. Reads /proc and sysfs.
 *
 * What passes a wire is counted once, where it leaves the machine:
 * - an interface with a device behind it (/sys/class/net/X/device), unless it is the second path of another
 *   one with a device (a virtual function under its synthetic interface);
 * - a TUN device, because the program behind it sends what it reads once more through its own sockets. Not a
 *   TAP device: that is a cable to a virtual machine;
 * - where no interface has a device (a container, a small virtual machine): each but the loopback.
 * Other interfaces are either on top of these (VLAN, bond, a bridge with a device in it, tunnels of the
 * kernel), or begin and end on this machine (bridges of containers, veth, TAP).
 */
#ifndef FEMTOSNITCH_STORE_LINKS_H
#define FEMTOSNITCH_STORE_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINKS_MAX 512 /* more are not looked at; 48 bytes each */
#define LINKS_NAME_SIZE 16

enum link_kind {
	LINK_INSIDE,  /* begins and ends on this machine */
	LINK_OUT,     /* on top of a counted one */
	LINK_COUNTED, /* leads away, and is counted */
};

struct link {
	char name[LINKS_NAME_SIZE];
	enum link_kind kind;
	uint64_t sent_bytes, received_bytes, packets; /* packets of both directions */
};

struct links {
	struct link *link;
	size_t count;
	bool devices; /* at least one has a device behind it */
	bool cut;     /* there were more than LINKS_MAX */
};

/* Read them anew; net_dir is /proc/self/net, sys_dir /sys/class/net. 0, or -errno: as before. */
int links_read(struct links *, const char *net_dir, const char *sys_dir);
void links_free(struct links *);
const struct link *links_find(const struct links *, const char *name); /* NULL: not there */

#endif
