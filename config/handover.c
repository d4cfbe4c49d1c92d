// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * handover.c - see handover.h. The text of a message is its number of descriptors, with MORE or without, then
 * their names with a NUL behind each.
 */
#include "config/handover.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MORE 0x80000000u
#define TEXT_MAX (sizeof(uint32_t) + HANDOVER_MAX * HANDOVER_NAME_SIZE)

/* Room for the descriptors of one message, aligned as the kernel wants it. */
union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * HANDOVER_MAX)];
};

int handover_pair(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 ? -errno : 0;
}

static bool is_name(const char *name, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

	for (size_t i = 0; i < len; i++)
		if (name[i] == '\0' || !strchr(allowed, name[i]))
			return false;
	return len > 0 && len < HANDOVER_NAME_SIZE;
}

int handover_add(struct handover *h, const char *name, size_t name_len, int fd)
{
	if (!is_name(name, name_len))
		return -EINVAL;
	if (h->n == HANDOVER_MAX)
		return -ENOSPC;
	memcpy(h->name[h->n], name, name_len);
	h->name[h->n][name_len] = '\0';
	h->fd[h->n++] = fd;
	return 0;
}

static size_t write_text(char text[TEXT_MAX], const struct handover *h)
{
	uint32_t n = h->n | (h->more ? MORE : 0);
	size_t at = sizeof(n);

	memcpy(text, &n, sizeof(n));
	for (unsigned i = 0; i < h->n; i++) {
		size_t len = strlen(h->name[i]) + 1;

		memcpy(text + at, h->name[i], len);
		at += len;
	}
	return at;
}

int handover_send(int sock, const struct handover *h)
{
	char text[TEXT_MAX];
	union control control;
	struct iovec iov = {.iov_base = text, .iov_len = write_text(text, h)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *head;

	if (h->n > 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * h->n);
		head = CMSG_FIRSTHDR(&msg);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int) * h->n);
		memcpy(CMSG_DATA(head), h->fd, sizeof(int) * h->n);
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* What came must be taken before anything is judged, or it would stay open for ever. */
static unsigned take_descriptors(struct msghdr *msg, int fds[HANDOVER_MAX])
{
	unsigned n = 0;

	for (struct cmsghdr *head = CMSG_FIRSTHDR(msg); head; head = CMSG_NXTHDR(msg, head)) {
		if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
			continue;
		n = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(head), n * sizeof(int));
	}
	return n;
}

static int read_text(struct handover *h, const char *text, size_t len, const int *fds, unsigned n_fds)
{
	size_t at = sizeof(uint32_t), name_len;
	uint32_t n;

	if (len < sizeof(n))
		return -EPROTO;
	memcpy(&n, text, sizeof(n));
	h->more = n & MORE;
	n &= ~MORE;
	if (n != n_fds)
		return -EPROTO;
	for (h->n = 0; h->n < n; at += name_len + 1) {
		name_len = strnlen(text + at, len - at);
		if (at + name_len >= len || handover_add(h, text + at, name_len, fds[h->n]) != 0)
			return -EPROTO;
	}
	return at == len ? 0 : -EPROTO;
}

int handover_receive(int sock, struct handover *h)
{
	char text[TEXT_MAX];
	union control control;
	struct iovec iov = {.iov_base = text, .iov_len = sizeof(text)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     .msg_controllen = sizeof(control.bytes)};
	int fds[HANDOVER_MAX], err;
	unsigned n;
	ssize_t len;

	h->n = 0;
	do
		len = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR);
	if (len <= 0)
		return len < 0 ? -errno : -ENODATA;
	n = take_descriptors(&msg, fds);
	err = msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -EPROTO : read_text(h, text, (size_t)len, fds, n);
	if (err == 0)
		return 0;
	for (unsigned i = 0; i < n; i++)
		close(fds[i]);
	h->n = 0;
	return err;
}

void handover_close(struct handover *h)
{
	while (h->n > 0)
		close(h->fd[--h->n]);
}
