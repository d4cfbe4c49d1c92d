/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * forks.c - COUNT processes of one program, none of which executes another: WIDTH live at a time, each sends
 * one datagram of SIZE bytes and is gone.
 */
#include "tests/actors/actor.h"

#include <sys/mman.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
	unsigned long long i, count, width, size, running = 0;
	static const char buf[65536];
	struct sockaddr_storage to;
	struct moved *m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	socklen_t len;

	if (argc != 6)
		usage("HOST PORT COUNT WIDTH SIZE");
	len = address(&to, argv[1], argv[2]);
	count = amount(argv[3]);
	width = amount(argv[4]);
	size = amount(argv[5]);
	for (i = 0; i < count || running;) {
		pid_t pid;

		if (i == count || running == width) {
			wait(NULL);
			running--;
			continue;
		}
		if ((pid = fork()) < 0)
			die("fork");
		if (!pid) {
			int fd = socket(to.ss_family, SOCK_DGRAM, 0);
			ssize_t r = sendto(fd, buf, size, 0, (struct sockaddr *)&to, len);

			if (r > 0)
				__atomic_fetch_add(&m->sent, r, __ATOMIC_RELAXED);
			_exit(0);
		}
		running++;
		i++;
	}
	moved_say(m);
	return 0;
}
