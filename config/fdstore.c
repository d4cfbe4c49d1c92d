// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fdstore.c - see fdstore.h.
 */
#include "config/fdstore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/log.h"
#include "config/notify.h"

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

/* How many descriptors the manager passed to this very process. */
static int passed(void)
{
	const char *count = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	long n = count ? strtol(count, NULL, 10) : 0;

	if (!pid || strtol(pid, NULL, 10) != (long)getpid() || n < 0 || n > 1 << 16)
		return 0;
	return (int)n;
}

static void remember(struct fdstore *s, const char *name)
{
	char(*grown)[HANDOVER_NAME_SIZE] = realloc(s->name, (s->n + 1) * sizeof(*s->name));

	if (!grown)
		return;
	s->name = grown;
	strcpy(s->name[s->n++], name);
}

/* Everything that came goes into given or is closed: what has no name of ours stays in nobody's way. */
static void collect(struct fdstore *s, struct handover *given)
{
	const char *names = getenv("LISTEN_FDNAMES");
	int n = passed();
	size_t len;

	for (int i = 0; i < n; i++) {
		len = names ? strcspn(names, ":") : 0;
		fcntl(FIRST_FD + i, F_SETFD, FD_CLOEXEC);
		if (handover_add(given, names ? names : "", len, FIRST_FD + i) == 0)
			remember(s, given->name[given->n - 1]);
		else
			close(FIRST_FD + i);
		if (names)
			names += len + (names[len] == ':');
	}
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDNAMES");
	unsetenv("LISTEN_PIDFDID");
}

void fdstore_open(struct fdstore *s, int *theirs)
{
	struct handover *given = calloc(1, sizeof(*given));
	int ends[2], err;

	memset(s, 0, sizeof(*s));
	s->end = *theirs = -1;
	if (!given)
		return;
	collect(s, given);
	if (notify_active()) {
		err = handover_pair(ends);
		if (err == 0) {
			s->end = ends[0];
			*theirs = ends[1];
			err = handover_send(s->end, given);
		}
		if (err < 0)
			log_warnx("what the service manager kept cannot be used: %s", strerror(-err));
	}
	handover_close(given);
	free(given);
}

int fdstore_fd(const struct fdstore *s)
{
	return s->end;
}

/* Not polled: the manager would throw away a map that cannot be. */
static int store_all(const struct handover *h)
{
	int err = 0;

	for (unsigned i = 0; i < h->n && err == 0; i++)
		err = notify_surely(h->fd[i], "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", h->name[i]);
	return err;
}

static void remove_old(struct fdstore *s)
{
	for (unsigned i = 0; i < s->n; i++)
		(void)notify_surely(-1, "FDSTOREREMOVE=1\nFDNAME=%s", s->name[i]);
	free(s->name);
	s->name = NULL;
	s->n = 0;
}

void fdstore_take(struct fdstore *s)
{
	struct handover *made = calloc(1, sizeof(*made));
	int err = made ? handover_receive(s->end, made) : -ENOMEM;

	if (err == 0) {
		if (!made->more)
			remove_old(s);
		err = store_all(made);
		if (err == 0)
			log_debug("%u descriptors are kept by the service manager", made->n);
		handover_close(made);
	}
	/* a collector that has ended, be it before it read what we sent */
	if (err < 0 && err != -ENODATA && err != -ECONNRESET)
		log_warnx("the service manager cannot keep what counts: a restart will not be watched: %s",
			  strerror(-err));
	free(made);
	if (err < 0)
		fdstore_close(s);
}

void fdstore_close(struct fdstore *s)
{
	if (s->end >= 0)
		close(s->end);
	s->end = -1;
	free(s->name);
	s->name = NULL;
	s->n = 0;
}
