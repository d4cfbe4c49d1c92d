/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hot.c - THREADS threads send SENDS datagrams of SIZE bytes each on one UDP socket, as fast as they can.
 * With "unconnected" every call names the address, and the threads take turns over three ports.
 */
#include <pthread.h>

#include "tests/actors/actor.h"

static struct sockaddr_storage to;
static socklen_t to_len;
static unsigned long long sends, size;
static int sock, naming;

static void *work(void *arg)
{
	static const char buf[65536];
	static const int more[] = {0, 4, 5};
	struct sockaddr_storage whom = to;
	unsigned long long i, *sent = arg;
	unsigned port = ntohs(((struct sockaddr_in *)&to)->sin_port);

	for (i = 0; i < sends; i++) {
		ssize_t r;

		((struct sockaddr_in *)&whom)->sin_port = htons(port + more[i % 3]);
		r = naming ? sendto(sock, buf, size, 0, (struct sockaddr *)&whom, to_len)
			   : send(sock, buf, size, 0);
		if (r > 0)
			*sent += r;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned long long sent[64] = {0};
	pthread_t threads[64];
	struct moved m = {0, 0};
	int i, n;

	if (argc != 7 || (n = atoi(argv[4])) < 1 || n > 64)
		usage("connected|unconnected HOST PORT THREADS SENDS SIZE");
	naming = !strcmp(argv[1], "unconnected");
	to_len = address(&to, argv[2], argv[3]);
	sends = amount(argv[5]);
	size = amount(argv[6]);
	sock = socket(to.ss_family, SOCK_DGRAM, 0);
	if (!naming && connect(sock, (struct sockaddr *)&to, to_len))
		die("connect");
	for (i = 0; i < n; i++)
		pthread_create(&threads[i], NULL, work, &sent[i]);
	for (i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		m.sent += sent[i];
	}
	moved_say(&m);
	return 0;
}
