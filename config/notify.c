// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * notify.c - see notify.h. Written out because libsystemd would map more memory than the supervisor itself
 * uses.
 */
#include "config/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/log.h"

#define BUSY_S 5 /* nobody's service manager is busy for so long */

static struct sockaddr_un address;
static socklen_t address_len; /* 0: nobody to tell */
static unsigned watchdog_ms;

void notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET"), *usec = getenv("WATCHDOG_USEC"),
		   *pid = getenv("WATCHDOG_PID");
	size_t len = path ? strlen(path) : 0;

	address_len = 0;
	watchdog_ms = 0;
	if (len > 0 && len < sizeof(address.sun_path) && (path[0] == '/' || path[0] == '@')) {
		memset(&address, 0, sizeof(address));
		address.sun_family = AF_UNIX;
		memcpy(address.sun_path, path, len);
		if (path[0] == '@')
			address.sun_path[0] = '\0'; /* an abstract name: no final NUL belongs to it */
		address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	}
	if (usec && (!pid || strtol(pid, NULL, 10) == (long)getpid()))
		watchdog_ms = (unsigned)(strtoull(usec, NULL, 10) / 1000);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

bool notify_active(void)
{
	return address_len > 0;
}

unsigned notify_watchdog_ms(void)
{
	return watchdog_ms;
}

/* fd: -1 = none. 0 or -errno. */
static int send_text(int fd, unsigned wait_s, const char *fmt, va_list ap)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.head = {.cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS,
			      .cmsg_len = CMSG_LEN(sizeof(int))}};
	const struct timeval limit = {.tv_sec = wait_s};
	char text[1024];
	struct iovec iov = {.iov_base = text};
	struct msghdr msg = {
		.msg_name = &address, .msg_namelen = address_len, .msg_iov = &iov, .msg_iovlen = 1};
	int sock, err = 0;

	if (address_len == 0)
		return -ENOTCONN;
	vsnprintf(text, sizeof(text), fmt, ap);
	iov.iov_len = strlen(text);
	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
	}
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (sendmsg(sock, &msg, MSG_NOSIGNAL | (wait_s ? 0 : MSG_DONTWAIT)) < 0)
		err = -errno;
	close(sock);
	return err;
}

void notify_send(const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = send_text(-1, 0, fmt, ap);
	va_end(ap);
	if (err < 0 && address_len > 0)
		log_debug("the service manager could not be told: %s", strerror(-err));
}

int notify_surely(int fd, const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = send_text(fd, BUSY_S, fmt, ap);
	va_end(ap);
	return err;
}
