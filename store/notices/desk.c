// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * desk.c - see desk.h.
 */
#include "store/notices/desk.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/log.h"
#include "config/peer.h"
#include "store/notices/feed.h"
#include "store/notices/request.h"

#define LINE_MAX_BYTES (WIRE_PATH_MAX * 6 + 128) /* a path, each byte escaped */

struct client {
	int fd;
	bool hello; /* said what he saw last */
	struct feed_reader reader;
	char *in;
	size_t in_len;
	char *out; /* waits to be written */
	size_t out_len, out_size;
};

struct desk {
	int fd;
	gid_t group;
	const char *state_dir;
	desk_order *order;
	void *arg;
	struct client *client[DESK_CLIENTS];
};

static int listen_on(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd, rc;

	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	(void)unlink(path); /* of one that died: there is one of us per state directory */
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && chmod(path, 0666) == 0 && listen(fd, 16) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

struct desk *desk_open(const char *path, const char *state_dir, gid_t group, desk_order *order, void *arg)
{
	struct desk *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->state_dir = state_dir;
	d->group = group;
	d->order = order;
	d->arg = arg;
	d->fd = listen_on(path);
	if (d->fd >= 0)
		return d;
	errno = -d->fd;
	log_warn("%s", path);
	free(d);
	return NULL;
}

static void drop(struct desk *d, size_t i)
{
	struct client *c = d->client[i];

	close(c->fd);
	free(c->in);
	free(c->out);
	free(c);
	d->client[i] = NULL;
}

void desk_close(struct desk *d)
{
	size_t i;

	if (!d)
		return;
	for (i = 0; i < DESK_CLIENTS; i++)
		if (d->client[i])
			drop(d, i);
	close(d->fd);
	free(d);
}

size_t desk_poll(const struct desk *d, struct pollfd *fds)
{
	size_t i, n = 0;

	fds[n++] = (struct pollfd){.fd = d->fd, .events = POLLIN};
	for (i = 0; i < DESK_CLIENTS; i++)
		if (d->client[i])
			fds[n++] =
				(struct pollfd){.fd = d->client[i]->fd,
						.events = d->client[i]->out_len ? POLLIN | POLLOUT : POLLIN};
	return n;
}

/* ---- to him */

/* False: he is gone, or takes too little. */
static bool write_out(struct client *c)
{
	ssize_t n;

	while (c->out_len > 0) {
		n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		c->out_len -= (size_t)n;
		memmove(c->out, c->out + n, c->out_len);
	}
	free(c->out);
	c->out = NULL;
	c->out_size = 0;
	return true;
}

static bool put_line(void *arg, const char *line, size_t len)
{
	struct client *c = arg;
	size_t size = c->out_size ? c->out_size : 4096;
	char *grown;

	if (c->out_len + len > DESK_BOUND)
		return false;
	while (size < c->out_len + len)
		size *= 2;
	if (size != c->out_size) {
		if (!(grown = realloc(c->out, size)))
			return false;
		c->out = grown;
		c->out_size = size;
	}
	memcpy(c->out + c->out_len, line, len);
	c->out_len += len;
	return true;
}

/* What he did not take now he gets when he read this, or at the next event. */
static bool tell(struct client *c, struct feed *f, bool waited)
{
	(void)feed_tell(f, &c->reader, waited, put_line, c);
	return write_out(c);
}

void desk_tell(struct desk *d)
{
	struct feed *f = NULL;
	size_t i;

	for (i = 0; i < DESK_CLIENTS; i++)
		if (d->client[i] && d->client[i]->hello && (f || (f = feed_open(d->state_dir))) &&
		    !tell(d->client[i], f, false))
			drop(d, i);
	feed_close(f);
}

bool desk_holds(const struct desk *d)
{
	size_t i;

	for (i = 0; i < DESK_CLIENTS; i++)
		if (d->client[i] && d->client[i]->reader.n_held > 0)
			return true;
	return false;
}

/* ---- from him */

static bool greet(struct desk *d, struct client *c, int64_t since)
{
	struct feed *f = feed_open(d->state_dir);
	bool well = f != NULL;
	int64_t last = f ? feed_last(f) : 0;

	/* of another snitch.db than this */
	c->reader.last = since > last ? 0 : since;
	c->hello = true;
	if (f)
		well = tell(c, f, true);
	feed_close(f);
	return well;
}

static bool take(struct desk *d, struct client *c, const struct request *r)
{
	uint32_t uid = c->reader.uid == 0 ? WIRE_EVERYBODY : c->reader.uid;

	if (r->kind == REQUEST_SINCE)
		return !c->hello && greet(d, c, r->since);
	if (!c->hello)
		return false;
	d->order(d->arg, r->kind == REQUEST_ACK ? WIRE_ORDER_ACK : WIRE_ORDER_MUTE, uid, r->until_s,
		 r->program);
	return true;
}

static bool take_line(struct desk *d, struct client *c, const char *line, size_t len)
{
	struct request r;
	bool good = request_parse(&r, line, len) && take(d, c, &r);

	free(r.program);
	return good;
}

/* False: he hung up, or says what nobody says. */
static bool read_in(struct desk *d, struct client *c)
{
	size_t len;
	ssize_t n;
	char *end;

	if (!c->in && !(c->in = malloc(LINE_MAX_BYTES)))
		return false;
	n = recv(c->fd, c->in + c->in_len, LINE_MAX_BYTES - c->in_len, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	c->in_len += (size_t)n;
	while ((end = memchr(c->in, '\n', c->in_len))) {
		len = (size_t)(end - c->in);
		if (!take_line(d, c, c->in, len))
			return false;
		c->in_len -= len + 1;
		memmove(c->in, end + 1, c->in_len);
	}
	if (c->in_len == 0) {
		free(c->in);
		c->in = NULL;
	}
	return c->in_len < LINE_MAX_BYTES;
}

static void accept_client(struct desk *d)
{
	int fd = accept4(d->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	size_t i, at = DESK_CLIENTS, his = 0;
	struct ucred who;
	socklen_t len = sizeof(who);
	struct client *c = NULL;

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0)
		c = calloc(1, sizeof(*c));
	for (i = 0; i < DESK_CLIENTS; i++) {
		his += c && d->client[i] && d->client[i]->reader.uid == who.uid;
		if (!d->client[i])
			at = i;
	}
	if (!c || at == DESK_CLIENTS || his >= DESK_PER_USER) {
		free(c);
		close(fd);
		return;
	}
	c->fd = fd;
	c->reader.uid = who.uid;
	c->reader.all = who.uid == 0 || peer_in_group(fd, who.gid, d->group);
	d->client[at] = c;
}

void desk_serve(struct desk *d, const struct pollfd *fds, size_t n)
{
	size_t at, i;

	for (at = 1; at < n; at++)
		for (i = 0; i < DESK_CLIENTS && fds[at].revents; i++) {
			struct client *c = d->client[i];

			if (!c || c->fd != fds[at].fd)
				continue;
			if ((fds[at].revents & POLLOUT && !write_out(c)) ||
			    (fds[at].revents & (POLLIN | POLLHUP | POLLERR) && !read_in(d, c)))
				drop(d, i);
			break;
		}
	/* last: a new client may get the number of an fd that was just closed */
	if (fds[0].revents & POLLIN)
		accept_client(d);
}
