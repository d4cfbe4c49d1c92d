// SPDX-License-Identifier: GPL-2.0-or-later
/* control.c - see control.h. An answer longer than ANSWER_MAX is cut there. */
#include "view/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "view/text.h"

#define ANSWER_MAX 512

/* The address of DIR/control.sock. Where its path is too long for one, through an fd of DIR, which *dir_fd
 * gets and the caller closes behind connect(). */
static int address(const char *state_dir, struct sockaddr_un *a, int *dir_fd)
{
	int len = snprintf(a->sun_path, sizeof(a->sun_path), "%s/control.sock", state_dir);

	a->sun_family = AF_UNIX;
	if (len < 0 || (size_t)len < sizeof(a->sun_path))
		return len < 0 ? -EINVAL : 0;
	*dir_fd = open(state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*dir_fd < 0)
		return -errno;
	snprintf(a->sun_path, sizeof(a->sun_path), "/proc/self/fd/%d/control.sock", *dir_fd);
	return 0;
}

/* A connected socket or -errno. */
static int connect_to(const char *state_dir)
{
	struct sockaddr_un a = {0};
	int dir_fd = -1, fd = -1, rc = address(state_dir, &a, &dir_fd);

	if (rc)
		goto out;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		rc = -errno;
	if (rc && fd >= 0)
		close(fd);
out:
	if (dir_fd >= 0)
		close(dir_fd);
	return rc ? rc : fd;
}

int control_running(const char *state_dir)
{
	int fd = connect_to(state_dir);

	if (fd == -EAGAIN) /* its queue is full: somebody listens */
		return 0;
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* One line, without its newline, into line of ANSWER_MAX + 1 bytes. The length, or -errno. */
static int read_line(int fd, int timeout_ms, char *line)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int64_t end = now_ms() + timeout_ms, left;
	int len = 0;
	ssize_t n;

	while (len < ANSWER_MAX && !memchr(line, '\n', (size_t)len)) {
		left = end - now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) < 0)
			return -errno;
		n = read(fd, line + len, (size_t)(ANSWER_MAX - len)); /* does not block */
		if (n == 0)
			break;
		if (n < 0 && errno != EAGAIN)
			return -errno;
		len += n > 0 ? (int)n : 0;
	}
	line[len] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return len ? (int)strlen(line) : -EPIPE;
}

static void copy_safe(const char *line, size_t len, char *answer, size_t size)
{
	struct buffer b = {0};

	text_terminal(&b, line, len);
	if (size)
		snprintf(answer, size, "%.*s", (int)b.len, b.data ? b.data : "");
	buffer_free(&b);
}

int control_flush(const char *state_dir, int timeout_ms, char *answer, size_t size)
{
	static const char ask[] = "flush\n", committed[] = "committed", failed[] = "failed: ";
	char line[ANSWER_MAX + 1];
	int fd = connect_to(state_dir), len, rc = 0;
	const char *why;

	if (size)
		answer[0] = '\0';
	if (fd < 0)
		return fd;
	if (send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(ask) - 1) {
		rc = -errno;
		goto out;
	}
	len = read_line(fd, timeout_ms, line);
	if (len < 0) {
		rc = len;
		goto out;
	}
	if (strncmp(line, committed, sizeof(committed) - 1) != 0) {
		why = strncmp(line, failed, sizeof(failed) - 1) ? line : line + sizeof(failed) - 1;
		copy_safe(why, strlen(why), answer, size);
		rc = -EREMOTEIO;
	}
out:
	close(fd);
	return rc;
}
