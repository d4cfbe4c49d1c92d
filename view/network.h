/* SPDX-License-Identifier: GPL-2.0-or-later */
/* network.h - addresses and networks as a person writes them: 192.0.2.1, 192.0.2.0/24, 2001:db8::/32.
 * No I/O. */
#ifndef FEMTOSNITCH_VIEW_NETWORK_H
#define FEMTOSNITCH_VIEW_NETWORK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define NETWORK_TEXT_SIZE INET6_ADDRSTRLEN

struct network {
	int family;	  /* AF_INET or AF_INET6; v4-mapped is AF_INET, as in the log */
	uint8_t addr[16]; /* network order */
	unsigned prefix;
	bool is_host; /* no other address is in it */
};

/* 0 or -EINVAL. NULL text is -EINVAL. Host bits behind the prefix are ignored. */
int network_parse(const char *text, struct network *);

bool network_holds(const struct network *, const struct network *host);

/* The address as the log writes it, into text of NETWORK_TEXT_SIZE bytes; returns text. */
const char *network_text(const struct network *, char *text);

#endif
