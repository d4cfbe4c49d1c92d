// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

const char *hold_kind_name(enum hold_kind kind)
{
	static const char *const names[HOLD__MAX] = {
		[HOLD_MAP] = "map",
		[HOLD_PROGRAM] = "program",
		[HOLD_LINK] = "link",
	};

	return names[kind];
}

int hold_copy(struct hold *hold, enum hold_kind kind, const char *name, int fd)
{
	struct held *held = &hold->held[hold->n];

	if (hold->n == HOLD_MAX)
		return -ENOSPC;
	if (strlen(name) >= sizeof(held->name))
		return -ENAMETOOLONG;
	held->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (held->fd < 0)
		return -errno;
	held->kind = kind;
	strcpy(held->name, name);
	hold->n++;
	return 0;
}

static struct held *find(const struct hold *hold, enum hold_kind kind, const char *name)
{
	for (unsigned i = 0; i < hold->n; i++)
		if (hold->held[i].kind == kind && strcmp(hold->held[i].name, name) == 0)
			return (struct held *)&hold->held[i];
	return NULL;
}

int hold_fd(const struct hold *hold, enum hold_kind kind, const char *name)
{
	const struct held *held = find(hold, kind, name);

	return held ? held->fd : -1;
}

void hold_close(struct hold *hold, enum hold_kind kind, const char *name)
{
	struct held *held = find(hold, kind, name);

	if (!held)
		return;
	close(held->fd);
	*held = hold->held[--hold->n];
}

void hold_close_all(struct hold *hold)
{
	while (hold->n)
		close(hold->held[--hold->n].fd);
}
