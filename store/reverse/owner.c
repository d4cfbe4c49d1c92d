// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/reverse/owner.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/domain.h"

void owner_open(void)
{
	char options[32];

	snprintf(options, sizeof(options), "timeout:%d attempts:1", OWNER_WAIT_S);
	setenv("RES_OPTIONS", options, 1); /* resolv.conf(5) */
}

size_t owner_name(int family, const uint8_t addr[WIRE_ADDR_SIZE], char text[WIRE_DOMAIN_MAX])
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	char host[NI_MAXHOST];
	int rc;

	memcpy(&v4.sin_addr, addr, sizeof(v4.sin_addr));
	memcpy(&v6.sin6_addr, addr, sizeof(v6.sin6_addr));
	if (family == AF_INET)
		rc = getnameinfo((const void *)&v4, sizeof(v4), host, sizeof(host), NULL, 0, NI_NAMEREQD);
	else
		rc = getnameinfo((const void *)&v6, sizeof(v6), host, sizeof(host), NULL, 0, NI_NAMEREQD);
	return rc == 0 ? domain_of_host(text, host, strlen(host)) : 0;
}
