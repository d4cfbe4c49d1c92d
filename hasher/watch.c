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

/* Before 5.19 a mark pins its inode in memory: this many, then all are taken away (the cache still notices a
 * change by ctime, only the announcement is lost until the next execution). */
#define PINNED_MAX 4096

struct watch {
	int group[WATCH__GROUPS];
	bool evictable;
	unsigned pinned;
	struct watch_losses losses;
};

struct watch *watch_new(void)
{
	const unsigned flags = FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_MARKS;
	const unsigned open_flags = O_RDONLY | O_CLOEXEC | O_LARGEFILE | O_NOATIME;
	struct watch *w = calloc(1, sizeof(*w));
	int i;

	if (!w)
		return NULL;
	w->evictable = true;
	for (i = 0; i < WATCH__GROUPS; i++)
		w->group[i] =
			fanotify_init(i == WATCH_MODIFIED ? flags : flags | FAN_UNLIMITED_QUEUE, open_flags);
	if (w->group[WATCH_NEAR] < 0) {
		watch_free(w);
		return NULL;
	}
	if (w->group[DISTANCE_FAR] < 0 || w->group[DISTANCE_STRANGE] < 0 || w->group[WATCH_MODIFIED] < 0)
		log_warn("fanotify_init: modifications, or programs of other mount namespaces, go unnoticed");
	return w;
}

void watch_free(struct watch *w)
{
	int err = errno;
	int i;

	if (!w)
		return;
	for (i = 0; i < WATCH__GROUPS; i++) {
		if (w->group[i] >= 0)
			close(w->group[i]);
	}
	free(w);
	errno = err;
}

int watch_fd(const struct watch *w, unsigned group)
{
	return w->group[group];
}

/* Sort what one read brought. The number of events with a file. */
static unsigned sort(const struct fanotify_event_metadata *m, ssize_t len, struct watch_event *event,
		     struct watch_losses *losses)
{
	unsigned n = 0;

	for (; FAN_EVENT_OK(m, len); m = FAN_EVENT_NEXT(m, len)) {
		if (m->vers != FANOTIFY_METADATA_VERSION)
			fatalx("fanotify: unknown version %u of events", m->vers);
		if (m->mask & FAN_Q_OVERFLOW)
			losses->overflows++;
		else if (m->fd < 0)
			losses->unread++;
		else
			event[n++] =
				(struct watch_event){.tgid = m->pid > 0 ? (__u32)m->pid : 0, .fd = m->fd};
	}
	return n;
}

/* One read. *queued is what is known to be in the queue, 0 = ask. The number of events, -1: the queue is
 * empty.
 *
 * The kernel drops an event whose file it cannot open. It says so only when that is the first of a read;
 * behind others it just ends the read early. So the queue is asked first how many there are: fewer came = one
 * dropped. */
static int take(int group, unsigned *queued, struct watch_event *event, struct watch_losses *losses)
{
	struct fanotify_event_metadata buf[WATCH_EVENTS];
	unsigned want, got;
	ssize_t len;
	int bytes;

	if (!*queued) {
		if (ioctl(group, FIONREAD, &bytes) || bytes < (int)sizeof(buf[0]))
			return -1;
		*queued = (unsigned)bytes / sizeof(buf[0]);
	}
	want = *queued < WATCH_EVENTS ? *queued : WATCH_EVENTS;
	do
		len = read(group, buf, sizeof(buf));
	while (len < 0 && errno == EINTR);
	if (len < 0 && errno == EAGAIN)
		return -1;
	got = len > 0 ? (unsigned)len / sizeof(buf[0]) : 0;
	if (got < want) {
		losses->unread++;
		*queued -= 1;
	}
	*queued = got < *queued ? *queued - got : 0;
	return (int)sort(buf, len, event, losses);
}

static unsigned drain(struct watch *w, int group, void (*to)(void *, __u32, int), void *arg)
{
	struct watch_event event[WATCH_EVENTS];
	unsigned total = 0, queued = 0;
	int i, n;

	while (group >= 0 && to && (n = take(group, &queued, event, &w->losses)) >= 0) {
		for (i = 0; i < n; i++)
			to(arg, event[i].tgid, event[i].fd);
		total += (unsigned)n;
	}
	return total;
}

/* Modifications first: what was modified and then executed is a new version,
 * not one modified while in use. */
unsigned watch_drain(struct watch *w, const struct watch_listener *l)
{
	unsigned n = drain(w, w->group[WATCH_MODIFIED], l->modified, l->arg);

	return n + drain(w, w->group[WATCH_NEAR], l->executed, l->arg);
}

unsigned watch_read_far(const struct watch *w, enum distance distance, struct watch_event *event,
			struct watch_losses *losses)
{
	unsigned queued = 0;
	int n = take(w->group[distance], &queued, event, losses);

	return n > 0 ? (unsigned)n : 0;
}

void watch_lost(struct watch *w, const struct watch_losses *losses)
{
	w->losses.overflows += losses->overflows;
	w->losses.unread += losses->unread;
}

void watch_close_far(struct watch *w, enum distance distance)
{
	close(w->group[distance]);
	w->group[distance] = -1;
}

int watch_mark_filesystem(const struct watch *w, enum distance distance, const char *path)
{
	if (fanotify_mark(w->group[distance], FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_EXEC, AT_FDCWD,
			  path))
		return -errno;
	return 0;
}

void watch_mark_file(struct watch *w, int fd)
{
	const unsigned flags = FAN_MARK_ADD | (w->evictable ? FAN_MARK_EVICTABLE : 0);

	if (w->group[WATCH_MODIFIED] < 0)
		return;
	if (!w->evictable && ++w->pinned > PINNED_MAX) {
		fanotify_mark(w->group[WATCH_MODIFIED], FAN_MARK_FLUSH, 0, AT_FDCWD, NULL);
		w->pinned = 1;
	}
	if (fanotify_mark(w->group[WATCH_MODIFIED], flags, FAN_MODIFY, fd, NULL) && errno == EINVAL &&
	    w->evictable) {
		w->evictable = false;
		watch_mark_file(w, fd);
	}
}

void watch_unmark_file(struct watch *w, int fd)
{
	fanotify_mark(w->group[WATCH_MODIFIED], FAN_MARK_REMOVE, FAN_MODIFY, fd, NULL);
}

struct watch_losses watch_losses(const struct watch *w)
{
	return w->losses;
}
