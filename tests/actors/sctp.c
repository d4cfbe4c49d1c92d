/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sctp.c - SCTP with many peers on one socket (the one-to-one kind is tcp -p sctp).
 *   serve     returns COUNT messages to whoever sent them
 *   to        sends COUNT messages in turn to PORT and PORT+1, reads the answer to each
 *   sendv     the same as sctp_sendv(3) does it: the stream stands in a control message (RFC 6458)
 *   notified  the kernel's own notifications, which are no traffic, come between the messages
 */
#include "tests/actors/actor.h"

#include <linux/sctp.h>

static struct moved moved;
static char buf[65536];

static int many(int family)
{
	int fd = socket(family, SOCK_SEQPACKET, IPPROTO_SCTP);

	if (fd < 0)
		cannot("this kernel lacks the protocol");
	return fd;
}

/* The next message that is not from the kernel itself. */
static ssize_t message(int fd, struct sockaddr_storage *from, socklen_t *len)
{
	struct iovec v = {buf, sizeof(buf)};
	struct msghdr msg = {.msg_iov = &v, .msg_iovlen = 1, .msg_name = from, .msg_namelen = sizeof(*from)};
	ssize_t r;

	do {
		if ((r = recvmsg(fd, &msg, 0)) < 0)
			die("recvmsg");
	} while (msg.msg_flags & MSG_NOTIFICATION);
	moved.received += r;
	*len = msg.msg_namelen;
	return r;
}

static void serve(const char *host, const char *port, unsigned long long count)
{
	struct sockaddr_storage ss;
	socklen_t len = address(&ss, host, port);
	int fd = many(ss.ss_family);

	if (bind(fd, (struct sockaddr *)&ss, len) || listen(fd, 16))
		die("listen");
	step("ready");
	while (count--) {
		ssize_t r = message(fd, &ss, &len);

		if (sendto(fd, buf, r, 0, (struct sockaddr *)&ss, len) != r)
			die("sendto");
		moved.sent += r;
	}
}

static ssize_t send_v(int fd, struct sockaddr_storage *to, socklen_t len, size_t size)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(struct sctp_sndinfo))];
	} c;
	struct sctp_sndinfo info = {.snd_sid = 1, .snd_ppid = htonl(7)};
	struct iovec v = {buf, size};
	struct msghdr msg = {.msg_name = to,
			     .msg_namelen = len,
			     .msg_iov = &v,
			     .msg_iovlen = 1,
			     .msg_control = &c,
			     .msg_controllen = sizeof(c)};

	memset(&c, 0, sizeof(c));
	c.h = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(info)), .cmsg_level = IPPROTO_SCTP, .cmsg_type = SCTP_SNDINFO};
	memcpy(CMSG_DATA(&c.h), &info, sizeof(info));
	return sendmsg(fd, &msg, 0);
}

/* sin_port and sin6_port lie at the same place. */
static void talk(const char *mode, const char *host, const char *port, unsigned long long count, size_t size)
{
	struct sctp_event_subscribe all = {.sctp_association_event = 1, .sctp_sender_dry_event = 1};
	struct sockaddr_storage to, from;
	socklen_t len = address(&to, host, port), from_len;
	int fd = many(to.ss_family);

	if (!strcmp(mode, "notified") && setsockopt(fd, IPPROTO_SCTP, SCTP_EVENTS, &all, sizeof(all)))
		die("SCTP_EVENTS");
	while (count--) {
		ssize_t r;

		((struct sockaddr_in *)&to)->sin_port = htons(atoi(port) + count % 2);
		r = !strcmp(mode, "sendv") ? send_v(fd, &to, len, size)
					   : sendto(fd, buf, size, 0, (struct sockaddr *)&to, len);
		if (r < 0)
			die("send");
		moved.sent += r;
		message(fd, &from, &from_len);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "serve"))
		serve(argv[2], argv[3], amount(argv[4]));
	else if (argc == 6)
		talk(argv[1], argv[2], argv[3], amount(argv[4]), amount(argv[5]));
	else
		usage("serve HOST PORT COUNT | to|sendv|notified HOST PORT COUNT SIZE");
	moved_say(&moved);
	return 0;
}
