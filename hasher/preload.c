// SPDX-License-Identifier: GPL-2.0-or-later
#include "hasher/preload.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT "/proc/1/root" /* ours may be a service's own */
#define LOOK_MS 1000

/* Names of libraries, parted by blanks or colons; anything behind # is a comment. */
bool preload_in(const char *root)
{
	char path[256], text[4096];
	bool comment = false;
	ssize_t n, i;
	int fd;

	snprintf(path, sizeof(path), "%s/etc/ld.so.preload", root);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text));
	close(fd);
	for (i = 0; i < n; i++) {
		comment = text[i] == '#' || (comment && text[i] != '\n');
		if (!comment && !isspace((unsigned char)text[i]) && text[i] != ':')
			return true;
	}
	return n == (ssize_t)sizeof(text); /* more comment than anyone writes */
}

static void look(struct preload *p, __u64 now_ms)
{
	char link[64];
	struct stat st;
	ssize_t n;

	p->looked_ms = now_ms;
	n = readlink("/proc/1/ns/mnt", link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = '\0';
	if (sscanf(link, "mnt:[%u]", &p->mntns) != 1 || stat(ROOT, &st))
		p->mntns = 0;
	else
		p->root_ino = st.st_ino;
	p->active = p->mntns && preload_in(ROOT);
}

bool preload_image(struct preload *p, const struct wire_exec *exec, __u64 now_ms)
{
	if (!p->looked_ms || now_ms - p->looked_ms >= LOOK_MS)
		look(p, now_ms);
	return p->active && exec->mntns == p->mntns && exec->root_ino == p->root_ino;
}
