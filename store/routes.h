/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * routes.h - where an address is, as the routing table of this process's network namespace says: on this
 * machine, or behind an interface that leads away. Reads the main tables in /proc; policy routing is not in
 * them.
 */
#ifndef FEMTOSNITCH_STORE_ROUTES_H
#define FEMTOSNITCH_STORE_ROUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/links.h"

#define ROUTES_MAX 512 /* more are not looked at; 24 bytes each */

enum route_way {
	ROUTE_NONE,   /* no route */
	ROUTE_SELF,   /* an address of this machine */
	ROUTE_INSIDE, /* behind an interface that ends on this machine: a container, a virtual machine */
	ROUTE_NEAR,   /* a neighbour, without a gateway */
	ROUTE_FAR,    /* through a gateway */
};

struct route;
struct routes {
	struct route *route; /* the longest prefix first */
	size_t count;
};

/* Read them anew; net_dir is /proc/self/net. 0, or -ENOMEM: as before. */
int routes_read(struct routes *, const char *net_dir, const struct links *);
void routes_free(struct routes *);
enum route_way routes_find(const struct routes *, int family, const uint8_t addr[16]);
bool routes_loopback(int family, const uint8_t addr[16]);

#endif
