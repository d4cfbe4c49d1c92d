// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * client.c - see client.h.
 */
#include "config/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/control.h"
#include "config/instance.h"

#define ANSWER_MAX 65536

static int connect_to(const struct options *o)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, rc;

	if (!options_state_path(o, INSTANCE_SOCKET, address.sun_path, sizeof(address.sun_path)))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

static int read_answer(int fd, int timeout_ms, char *buf, size_t size)
{
	struct pollfd in = {.fd = fd, .events = POLLIN};
	size_t len = 0;
	ssize_t n;

	for (;;) {
		if (poll(&in, 1, timeout_ms) == 0)
			return -ETIMEDOUT;
		n = read(fd, buf + len, size - 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		len += (size_t)n;
		if (n == 0 || len == size - 1)
			break;
	}
	buf[len] = '\0';
	return len == 0 ? -EACCES : 0; /* closed without a word: we are not in the group */
}

int client_ask(const struct options *o, const char *line, int timeout_ms, char **answer)
{
	char buf[CONTROL_LINE_MAX];
	int fd = connect_to(o), rc, n;

	if (fd < 0)
		return fd;
	n = snprintf(buf, sizeof(buf), "%s\n", line);
	*answer = malloc(ANSWER_MAX);
	if (!*answer)
		rc = -ENOMEM;
	else if (send(fd, buf, (size_t)n, MSG_NOSIGNAL) != n)
		rc = errno == EPIPE ? -EACCES : -errno;
	else
		rc = read_answer(fd, timeout_ms, *answer, ANSWER_MAX);
	close(fd);
	if (rc < 0) {
		free(*answer);
		*answer = NULL;
	}
	return rc;
}
