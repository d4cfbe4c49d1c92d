/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idle.c - COUNT connected UDP sockets that have each sent one byte, held by processes of 5,000 each, and say
 * no more. At a line on stdin the first ten sockets of each process send SIZE bytes, at the next again, and
 * so on; the end of the input ends all. Says what was sent so far after every step.
 */
#include "tests/actors/actor.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define EACH 5000
#define ACTIVE 10
#define HOLDERS_MAX 16

static struct holder {
	pid_t pid;
	int to, from; /* a byte each way per step */
} holders[HOLDERS_MAX];
static int holder_count;
static struct moved *moved;

static void send_one(int fd, size_t n)
{
	static const char buf[65536];
	ssize_t r = send(fd, buf, n, 0);

	if (r < 0)
		die("send");
	__atomic_fetch_add(&moved->sent, r, __ATOMIC_RELAXED);
}

static void hold(const char *host, const char *port, int count, size_t size, int steps, int done)
{
	static int fds[EACH];
	char byte = 0;
	int i;

	for (i = 0; i < count; i++) {
		fds[i] = connected(SOCK_DGRAM, 0, host, port);
		send_one(fds[i], 1);
	}
	while (write(done, &byte, 1) == 1 && read(steps, &byte, 1) == 1)
		for (i = 0; i < ACTIVE && i < count; i++)
			send_one(fds[i], size);
	_exit(0);
}

static void holder_start(const char *host, const char *port, int count, size_t size)
{
	struct holder *h = &holders[holder_count++];
	int there[2], back[2];

	if (holder_count > HOLDERS_MAX || pipe(there) || pipe(back) || (h->pid = fork()) < 0)
		die("start a holder");
	if (!h->pid) {
		int i;

		for (i = 0; i < holder_count - 1; i++)
			close(holders[i].to);
		close(there[1]);
		close(back[0]);
		hold(host, port, count, size, there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	h->to = there[1];
	h->from = back[0];
}

static void all_done(void)
{
	char byte;
	int i;

	for (i = 0; i < holder_count; i++)
		if (read(holders[i].from, &byte, 1) != 1)
			die("a holder failed");
	moved_say(moved);
}

int main(int argc, char **argv)
{
	struct rlimit many = {EACH + 100, EACH + 100};
	int count, i, c;

	if (argc != 5)
		usage("HOST PORT COUNT SIZE");
	alarm(5 * ACTOR_SECONDS); /* it sits beside other tests */
	setrlimit(RLIMIT_NOFILE, &many);
	moved = mmap(NULL, sizeof(*moved), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (count = atoi(argv[3]); count > 0; count -= EACH)
		holder_start(argv[1], argv[2], count < EACH ? count : EACH, amount(argv[4]));
	all_done();
	while ((c = getchar()) != EOF) {
		if (c != '\n')
			continue;
		for (i = 0; i < holder_count; i++)
			if (write(holders[i].to, "", 1) != 1)
				die("tell a holder");
		all_done();
	}
	for (i = 0; i < holder_count; i++)
		close(holders[i].to);
	while (wait(NULL) > 0)
		;
	return 0;
}
