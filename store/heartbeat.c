// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * heartbeat.c - see heartbeat.h.
 */
#include "store/heartbeat.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/log.h"

#define LENGTH 20 /* digits, zero-padded, and a newline: always the same bytes */

void heartbeat_open(struct heartbeat *h, const char *dir)
{
	char path[PATH_MAX];

	h->written_ns = 0;
	snprintf(path, sizeof(path), "%s/heartbeat", dir);
	h->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (h->fd < 0)
		log_warn("%s: open (times not watched will look longer than they were)", path);
}

wire_ns heartbeat_read(const struct heartbeat *h)
{
	char text[LENGTH + 1] = "";
	wire_ns value;
	char *end;

	if (h->fd < 0 || pread(h->fd, text, LENGTH, 0) != LENGTH || text[LENGTH - 1] != '\n')
		return 0;
	value = strtoull(text, &end, 10);
	return *end == '\n' ? value : 0;
}

void heartbeat_beat(struct heartbeat *h, wire_ns upto, int force)
{
	char text[LENGTH + 2];

	if (h->fd < 0 || upto <= h->written_ns)
		return;
	if (!force && upto - h->written_ns < HEARTBEAT_EVERY_S * 1000000000ull)
		return;
	snprintf(text, sizeof(text), "%0*llu\n", LENGTH - 1, (unsigned long long)upto);
	if (pwrite(h->fd, text, LENGTH, 0) == LENGTH)
		h->written_ns = upto;
}

void heartbeat_close(struct heartbeat *h)
{
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
}
