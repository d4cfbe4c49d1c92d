/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * burst.c - COUNT connections as fast as THREADS threads can open, use and close them: BYTES up on each. Ends
 * each by RST, so that no port waits; says how long it took, in milliseconds.
 */
#include <pthread.h>

#include "tests/actors/actor.h"

static struct sockaddr_storage to;
static socklen_t to_len;
static unsigned long long each, bytes;

static void *work(void *arg)
{
	static const char buf[65536];
	struct linger now = {1, 0};
	unsigned long long i, *sent = arg;

	for (i = 0; i < each; i++) {
		int fd = socket(to.ss_family, SOCK_STREAM, 0);
		ssize_t r;

		if (fd < 0 || connect(fd, (struct sockaddr *)&to, to_len))
			die("connect");
		if ((r = send(fd, buf, bytes, MSG_NOSIGNAL)) < 0)
			die("send");
		*sent += r;
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(fd);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned long long sent[64] = {0};
	struct timespec a, b;
	pthread_t threads[64];
	struct moved m = {0, 0};
	int i, n;

	if (argc != 6 || (n = atoi(argv[4])) < 1 || n > 64)
		usage("HOST PORT COUNT THREADS BYTES");
	to_len = address(&to, argv[1], argv[2]);
	each = amount(argv[3]) / n;
	bytes = amount(argv[5]);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (i = 0; i < n; i++)
		pthread_create(&threads[i], NULL, work, &sent[i]);
	for (i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		m.sent += sent[i];
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("ms %lld\n", (b.tv_sec - a.tv_sec) * 1000LL + (b.tv_nsec - a.tv_nsec) / 1000000);
	moved_say(&m);
	return 0;
}
