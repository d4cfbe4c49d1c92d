// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config/stage.h"

void hosts_file_init(struct hosts_file *h, enum wire_hosts_file file, const char *path)
{
	struct stat ns;

	*h = (struct hosts_file){.path = path, .file = file};
	if (stat("/proc/self/ns/net", &ns) == 0)
		h->netns = (uint32_t)ns.st_ino;
}

void hosts_file_again(struct hosts_file *h)
{
	memset(&h->last, 0, sizeof(h->last));
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* What it says was so from then on. */
static wire_ns time_of(const struct stat *st)
{
	wire_ns changed = (wire_ns)st->st_ctim.tv_sec * 1000000000u + (wire_ns)st->st_ctim.tv_nsec,
		now = stage_now();

	return changed && changed < now ? changed : now;
}

/* 0 or -errno. */
static int put_pieces(const struct hosts_file *h, const struct stat *st, int fd, struct frame_writer *to)
{
	struct wire_hosts head = {
		.time_ns = time_of(st), .netns = h->netns, .flags = WIRE_HOSTS_FIRST, .file = h->file};
	static char text[WIRE_HOSTS_MAX];
	int err;

	for (size_t left = HOSTS_FILE_MAX;; left -= head.text_len) {
		ssize_t n =
			fd < 0 || left == 0 ? 0 : read(fd, text, left < sizeof(text) ? left : sizeof(text));

		head.text_len = n > 0 ? (__u32)n : 0;
		if (n <= 0)
			head.flags |= WIRE_HOSTS_LAST;
		err = frame_put(to, WIRE_HOSTS, &head, sizeof(head), text, head.text_len);
		if (err < 0 || n <= 0)
			return err;
		head.flags = 0;
	}
}

bool hosts_file_put(struct hosts_file *h, struct frame_writer *to)
{
	struct stat now;
	int fd, err;

	if (stat(h->path, &now) < 0)
		memset(&now, 0, sizeof(now));
	if (is_same(&now, &h->last))
		return false;
	/* not what somebody put there to be waited for */
	fd = S_ISREG(now.st_mode) ? open(h->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	if (fd >= 0)
		(void)fstat(fd, &now);
	err = put_pieces(h, &now, fd, to);
	if (fd >= 0)
		close(fd);
	if (err == 0)
		h->last = now;
	return err == 0;
}
