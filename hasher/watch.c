// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * watch.c - owns the fanotify groups and counts what they lose.
 *
 * Filesystem marks, because mount marks go blind inside a sandboxed unit and in other mount namespaces. The
 * kernel's queue is unlimited: at the default of 16,384 events a stopped reader loses programs after 5
 * seconds of a busy build; an event is 160 bytes there, and the loop's first duty is to take it out again.
 */
#include "hasher/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "config/log.h"

#ifndef FAN_MARK_EVICTABLE
#define FAN_MARK_EVICTABLE 0x00000200
#endif

/* Each event of a read costs an fd before we see the first of them: few at a time. */
#define READ_EVENTS 32

/* Before 5.19 a mark pins its inode in memory: this many, then all are taken away (the cache still notices a
 * change by ctime, only the announcement is lost until the next execution). */
#define PINNED_MAX 4096

struct watch {
	int exec_fd;
	int modify_fd;
	bool evictable;
	unsigned pinned;
	struct watch_losses losses;
};

struct watch *watch_new(void)
{
	const unsigned flags =
		FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS;
	const unsigned open_flags = O_RDONLY | O_CLOEXEC | O_LARGEFILE | O_NOATIME;
	struct watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->evictable = true;
	w->exec_fd = fanotify_init(flags, open_flags);
	if (w->exec_fd < 0) {
		free(w);
		return NULL;
	}
	w->modify_fd = fanotify_init(flags & ~FAN_UNLIMITED_QUEUE, open_flags);
	if (w->modify_fd < 0)
		log_warn("modifications of programs are not announced: fanotify_init");
	return w;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	close(w->exec_fd);
	if (w->modify_fd >= 0)
		close(w->modify_fd);
	free(w);
}

int watch_exec_fd(const struct watch *w)
{
	return w->exec_fd;
}

int watch_modify_fd(const struct watch *w)
{
	return w->modify_fd;
}

/* Hand out one buffer of events. */
static void hand_out(struct watch *w, const struct fanotify_event_metadata *event, ssize_t len,
		     void (*to)(void *, __u32, int), void *arg)
{
	for (; FAN_EVENT_OK(event, len); event = FAN_EVENT_NEXT(event, len)) {
		if (event->vers != FANOTIFY_METADATA_VERSION)
			fatalx("fanotify: unknown version %u of events", event->vers);
		if (event->mask & FAN_Q_OVERFLOW)
			w->losses.overflows++;
		else if (event->fd < 0)
			w->losses.unread++;
		else
			to(arg, event->pid > 0 ? (__u32)event->pid : 0, event->fd);
	}
}

/* The kernel drops an event whose file it cannot open. It says so only when that is the first of a read;
 * behind others it just ends the read early. So the queue is asked first how many there are: fewer came = one
 * dropped. */
static unsigned drain(struct watch *w, int group, void (*to)(void *, __u32, int), void *arg)
{
	struct fanotify_event_metadata buf[READ_EVENTS];
	unsigned total = 0, queued = 0, want, got;
	int bytes;
	ssize_t len;

	for (;;) {
		if (!queued) {
			if (ioctl(group, FIONREAD, &bytes) || bytes < (int)sizeof(buf[0]))
				return total;
			queued = (unsigned)bytes / sizeof(buf[0]);
		}
		want = queued < READ_EVENTS ? queued : READ_EVENTS;
		len = read(group, buf, sizeof(buf));
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN)
			return total;
		got = len > 0 ? (unsigned)len / sizeof(buf[0]) : 0;
		hand_out(w, buf, len, to, arg);
		if (got < want) {
			w->losses.unread++;
			got++;
		}
		queued = got < queued ? queued - got : 0;
		total += got;
	}
}

unsigned watch_drain(struct watch *w, const struct watch_listener *l)
{
	unsigned n = drain(w, w->exec_fd, l->executed, l->arg);

	if (w->modify_fd >= 0 && l->modified)
		n += drain(w, w->modify_fd, l->modified, l->arg);
	return n;
}

int watch_mark_filesystem(const struct watch *w, const char *path)
{
	if (fanotify_mark(w->exec_fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_EXEC, AT_FDCWD, path))
		return -errno;
	return 0;
}

void watch_mark_file(struct watch *w, int fd)
{
	const unsigned flags = FAN_MARK_ADD | (w->evictable ? FAN_MARK_EVICTABLE : 0);

	if (w->modify_fd < 0)
		return;
	if (!w->evictable && ++w->pinned > PINNED_MAX) {
		fanotify_mark(w->modify_fd, FAN_MARK_FLUSH, 0, AT_FDCWD, NULL);
		w->pinned = 1;
	}
	if (fanotify_mark(w->modify_fd, flags, FAN_MODIFY, fd, NULL) && errno == EINVAL && w->evictable) {
		w->evictable = false;
		watch_mark_file(w, fd);
	}
}

void watch_unmark_file(struct watch *w, int fd)
{
	fanotify_mark(w->modify_fd, FAN_MARK_REMOVE, FAN_MODIFY, fd, NULL);
}

struct watch_losses watch_losses(const struct watch *w)
{
	return w->losses;
}
