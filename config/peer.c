// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * peer.c - see peer.h.
 */
#include "config/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

bool peer_in_group(int fd, gid_t primary, gid_t group)
{
	socklen_t len = 0, i;
	gid_t *groups = NULL;
	bool found = primary == group;

	/* Asked without room, the kernel says how much it takes. */
	if (!found && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) < 0 && errno == ERANGE)
		groups = malloc(len);
	if (groups && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == 0)
		for (i = 0; i < len / sizeof(groups[0]) && !found; i++)
			found = groups[i] == group;
	free(groups);
	return found;
}
