// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * link.c - see link.h.
 */
#include "store/notify/link.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/log.h"

#define LINE_MAX_BYTES (1 << 20) /* more than the other side ever writes: not it */
#define AGAIN_MAX_S 60

struct link {
	const char *socket, *state;
	link_told *told;
	void *arg;
	int fd;
	guint watch, timer;
	unsigned again_s;
	bool said; /* that nobody is there */
	int64_t seen;
	char *in;
	size_t in_len, in_size;
};

static gboolean connect_now(gpointer arg);

/* ---- what was seen */

static int64_t read_seen(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 && text[0] >= '0' && text[0] <= '9' ? strtoll(text, NULL, 10) : 0;
}

static void write_seen(const struct link *l)
{
	char fresh[PATH_MAX], text[32];
	int fd, n = snprintf(text, sizeof(text), "%lld\n", (long long)l->seen);

	if (snprintf(fresh, sizeof(fresh), "%s.new", l->state) >= (int)sizeof(fresh))
		return;
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (write(fd, text, (size_t)n) == n)
		(void)rename(fresh, l->state);
	close(fd);
}

/* ---- the connection */

int link_connect(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd, rc;

	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

static void hang_up(struct link *l)
{
	if (l->watch)
		g_source_remove(l->watch);
	if (l->fd >= 0)
		close(l->fd);
	l->watch = 0;
	l->fd = -1;
	free(l->in);
	l->in = NULL;
	l->in_len = l->in_size = 0;
}

static void later(struct link *l)
{
	hang_up(l);
	l->again_s = l->again_s ? l->again_s * 2 : 1;
	if (l->again_s > AGAIN_MAX_S)
		l->again_s = AGAIN_MAX_S;
	if (!l->timer)
		l->timer = g_timeout_add_seconds(l->again_s, connect_now, l);
}

static bool take_line(struct link *l, const char *line, size_t len)
{
	struct notice n;

	if (!notice_parse(&n, line, len))
		return false;
	l->told(l->arg, &n);
	if (n.seen && n.seen != l->seen) {
		l->seen = n.seen;
		write_seen(l);
	}
	notice_free(&n);
	return true;
}

static bool take_lines(struct link *l)
{
	char *end;
	size_t len;

	while ((end = memchr(l->in, '\n', l->in_len))) {
		len = (size_t)(end - l->in);
		if (!take_line(l, l->in, len))
			return false;
		l->in_len -= len + 1;
		memmove(l->in, end + 1, l->in_len);
	}
	return l->in_len < LINE_MAX_BYTES;
}

static bool room(struct link *l)
{
	size_t size = l->in_size ? l->in_size * 2 : 16384;
	char *grown;

	if (l->in_len < l->in_size)
		return true;
	if (!(grown = realloc(l->in, size)))
		return false;
	l->in = grown;
	l->in_size = size;
	return true;
}

static gboolean readable(gint fd, GIOCondition condition, gpointer arg)
{
	struct link *l = arg;
	ssize_t n;

	(void)condition;
	if (!room(l))
		return G_SOURCE_CONTINUE;
	n = recv(fd, l->in + l->in_len, l->in_size - l->in_len, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return G_SOURCE_CONTINUE;
	if (n > 0) {
		l->in_len += (size_t)n;
		l->again_s = 0;
		if (take_lines(l))
			return G_SOURCE_CONTINUE;
	}
	l->watch = 0; /* G_SOURCE_REMOVE takes it */
	later(l);
	return G_SOURCE_REMOVE;
}

static gboolean connect_now(gpointer arg)
{
	struct link *l = arg;
	char hello[64];
	int n = snprintf(hello, sizeof(hello), "{\"since\":%lld}\n", (long long)l->seen);

	l->timer = 0;
	l->fd = link_connect(l->socket);
	if (l->fd < 0) {
		if (!l->said)
			log_info("%s: %s: waiting for femtosnitch", l->socket, strerror(-l->fd));
		l->said = true;
		later(l);
		return G_SOURCE_REMOVE;
	}
	l->said = false;
	l->watch = g_unix_fd_add(l->fd, G_IO_IN | G_IO_HUP | G_IO_ERR, readable, l);
	if (send(l->fd, hello, (size_t)n, MSG_NOSIGNAL) != n)
		later(l);
	return G_SOURCE_REMOVE;
}

struct link *link_open(const char *path, const char *state, link_told *told, void *arg)
{
	struct link *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->socket = path;
	l->state = state;
	l->told = told;
	l->arg = arg;
	l->fd = -1;
	l->seen = read_seen(state);
	l->timer = g_idle_add(connect_now, l);
	return l;
}

void link_close(struct link *l)
{
	if (!l)
		return;
	if (l->timer)
		g_source_remove(l->timer);
	hang_up(l);
	free(l);
}

/* ---- to the other side */

static void say(struct link *l, const char *key, const char *program, int64_t until_s)
{
	cJSON *json = cJSON_CreateObject();
	char *text = NULL;
	size_t len;

	if (json && cJSON_AddStringToObject(json, key, program) &&
	    (!until_s || cJSON_AddNumberToObject(json, "until", (double)until_s)))
		text = cJSON_PrintUnformatted(json);
	len = text ? strlen(text) : 0;
	if (text) {
		text[len] = '\n'; /* in place of the NUL */
		if (l->fd >= 0 && send(l->fd, text, len + 1, MSG_NOSIGNAL) != (ssize_t)len + 1)
			log_warnx("femtosnitch was not reached: %s is not done", key);
	}
	cJSON_free(text);
	cJSON_Delete(json);
}

void link_ack(struct link *l, const char *program)
{
	say(l, "ack", program, 0);
}

void link_mute(struct link *l, const char *program, int64_t until_s)
{
	say(l, "mute", program, until_s);
}
