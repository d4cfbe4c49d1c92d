/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * batch.c - sendmmsg and recvmmsg: 16 datagrams per call.
 *   up      connected                 to    each message names one of the ports PORT, PORT+4 and PORT+5
 *   down    from PEER_SOURCE, without address      from  from PEER_SOURCE on an unconnected socket, with
 * address
 */
#include "tests/actors/actor.h"

#define BATCH 16

static struct mmsghdr mm[BATCH];
static struct iovec iov[BATCH];
static struct sockaddr_storage names[BATCH];
static char data[BATCH][2048];

static void prepare(const struct sockaddr_storage *to, socklen_t len, size_t size, int naming)
{
	static const int more[] = {0, 4, 5};
	int i;

	memset(mm, 0, sizeof(mm));
	for (i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){data[i], size};
		names[i] = *to;
		((struct sockaddr_in *)&names[i])->sin_port =
			htons(ntohs(((const struct sockaddr_in *)to)->sin_port) + more[i % 3]);
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
		mm[i].msg_hdr.msg_name = naming ? &names[i] : NULL;
		mm[i].msg_hdr.msg_namelen = naming ? len : 0;
	}
}

static void up(int fd, unsigned long long count, struct moved *m)
{
	while (count) {
		int i, n = sendmmsg(fd, mm, count < BATCH ? count : BATCH, 0);

		if (n < 0)
			die("sendmmsg");
		for (i = 0; i < n; i++) {
			m->sent += mm[i].msg_len;
			pace(mm[i].msg_len);
		}
		count -= n;
	}
}

static void down(int fd, const struct sockaddr_storage *to, socklen_t len, unsigned long long count,
		 size_t size, int naming, struct moved *m)
{
	while (count) {
		uint32_t n = count < BATCH ? count : BATCH, ask[2] = {htonl(n), htonl(size)};

		if (sendto(fd, ask, sizeof(ask), 0, naming ? (const struct sockaddr *)to : NULL,
			   naming ? len : 0) != 8)
			die("sendto");
		m->sent += 8;
		count -= n;
		while (n) {
			int i, got;

			prepare(to, sizeof(*to), sizeof(data[0]), naming);
			if ((got = recvmmsg(fd, mm, n, MSG_WAITFORONE, NULL)) <= 0)
				die("recvmmsg");
			for (i = 0; i < got; i++) {
				m->received += mm[i].msg_len;
				pace(mm[i].msg_len);
			}
			n -= got;
		}
	}
}

int main(int argc, char **argv)
{
	struct timeval limit = {.tv_sec = 5};
	struct sockaddr_storage to;
	struct moved m = {0, 0};
	socklen_t len;
	int fd, naming;

	if (argc != 6)
		usage("up|to|down|from HOST PORT COUNT SIZE");
	len = address(&to, argv[2], argv[3]);
	naming = !strcmp(argv[1], "to") || !strcmp(argv[1], "from");
	fd = socket(to.ss_family, SOCK_DGRAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (!naming && connect(fd, (struct sockaddr *)&to, len))
		die("connect");
	if (!strcmp(argv[1], "up") || !strcmp(argv[1], "to")) {
		prepare(&to, len, amount(argv[5]), naming);
		up(fd, amount(argv[4]), &m);
	} else {
		down(fd, &to, len, amount(argv[4]), amount(argv[5]), naming, &m);
	}
	moved_say(&m);
	return 0;
}
