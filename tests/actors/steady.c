/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steady.c - a little traffic over loopback, all the time, until SIGTERM; then says what it moved. One way
 * per mode:
 *
 *   udp       connected datagrams, from one socket to another of this process
 *   fan       unconnected datagrams, each to the next of 500 ports where nobody listens
 *   tcp       one connection of this process with itself, both ways
 *   calls     a new connection each time, both ways, closed by its end
 *   programs  a new program each time (PROGRAM, a copy of this one), which sends one datagram and is gone
 *   child     what that program runs as: sends one datagram of BYTES, says nothing
 *   lasting   the same, but each lives for a second and sends in between, so that some live whenever one looks
 */
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "tests/actors/actor.h"

#define PAUSE_NS 3000000
/* What one says of itself takes 1.3 KB of the ring, which nobody reads during a restart */
#define SPAWN_NS 25000000
#define CHILD_BYTES 60
#define LASTING 8 /* at once */

static volatile sig_atomic_t stopping;
static struct moved total;
static char buffer[4096];

static void stop(int number)
{
	(void)number;
	stopping = 1;
}

static void rest(long ns)
{
	nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

static int loopback(int type, struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	*addr = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd < 0 || bind(fd, (struct sockaddr *)addr, sizeof(*addr)) ||
	    getsockname(fd, (struct sockaddr *)addr, &len))
		die("socket");
	return fd;
}

static void give(int fd, size_t bytes)
{
	if (send(fd, buffer, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
		die("send");
	total.sent += bytes;
}

static void take(int fd, size_t bytes)
{
	if (recv(fd, buffer, bytes, MSG_WAITALL) != (ssize_t)bytes)
		die("recv");
	total.received += bytes;
}

static void udp(void)
{
	struct sockaddr_in to, from;
	int receiver = loopback(SOCK_DGRAM, &to), sender = loopback(SOCK_DGRAM, &from);

	if (connect(sender, (struct sockaddr *)&to, sizeof(to)) ||
	    connect(receiver, (struct sockaddr *)&from, sizeof(from)))
		die("connect");
	while (!stopping) {
		give(sender, 100);
		take(receiver, 100);
		rest(PAUSE_NS);
	}
}

static void fan(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, from;
	int fd = loopback(SOCK_DGRAM, &from);

	for (unsigned i = 0; !stopping; i++) {
		to.sin_port = htons(20000 + i % 500);
		if (sendto(fd, buffer, 70, 0, (struct sockaddr *)&to, sizeof(to)) != 70)
			die("sendto");
		total.sent += 70;
		rest(PAUSE_NS);
	}
}

static void both_ways(int dialled, int accepted)
{
	give(dialled, 700);
	take(accepted, 700);
	give(accepted, 1300);
	take(dialled, 1300);
}

static void tcp(int anew)
{
	struct sockaddr_in to;
	int listener = loopback(SOCK_STREAM, &to), dialled = -1, accepted = -1;
	char end;

	if (listen(listener, 8))
		die("listen");
	while (!stopping) {
		if (dialled < 0) {
			dialled = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
			if (connect(dialled, (struct sockaddr *)&to, sizeof(to)) ||
			    (accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
				die("connect");
		}
		both_ways(dialled, accepted);
		if (anew) {
			close(dialled);
			if (read(accepted, &end, 1) != 0)
				die("end");
			close(accepted);
			dialled = -1;
		}
		rest(PAUSE_NS);
	}
}

/* Unconnected: that nobody listens there is then no error. */
static int child(size_t bytes, int lasting)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	size_t each = lasting ? bytes / 10 : bytes;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	for (size_t left = bytes; left > 0; left -= each) {
		if (sendto(fd, buffer, each, 0, (struct sockaddr *)&to, sizeof(to)) != (ssize_t)each)
			return 1;
		if (lasting)
			rest(100000000);
	}
	return 0;
}

static void programs(const char *program, int lasting)
{
	char bytes[16];
	char *const argv[] = {(char *)program, lasting ? "lasts" : "child", bytes, NULL};
	char *const envp[] = {NULL};
	unsigned running = 0;
	int status;
	pid_t pid;

	snprintf(bytes, sizeof(bytes), "%d", CHILD_BYTES);
	while (!stopping || running) {
		if (!stopping && running < (lasting ? LASTING : 1)) {
			if (posix_spawn(&pid, program, NULL, NULL, argv, envp))
				die("posix_spawn");
			running++;
			rest(lasting ? 1000000000 / LASTING : SPAWN_NS);
		}
		if (waitpid(-1, &status, lasting && running < LASTING && !stopping ? WNOHANG : 0) <= 0)
			continue;
		running--;
		if (status)
			die("a program failed");
		total.sent += CHILD_BYTES;
	}
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	if (argc == 3 && (!strcmp(mode, "child") || !strcmp(mode, "lasts")))
		return child(amount(argv[2]), !strcmp(mode, "lasts"));
	signal(SIGTERM, stop);
	if (!strcmp(mode, "udp"))
		udp();
	else if (!strcmp(mode, "fan"))
		fan();
	else if (!strcmp(mode, "tcp") || !strcmp(mode, "calls"))
		tcp(mode[0] == 'c');
	else if (argc == 3 && (!strcmp(mode, "programs") || !strcmp(mode, "lasting")))
		programs(argv[2], mode[0] == 'l');
	else
		usage("udp|fan|tcp|calls | programs|lasting PROGRAM");
	moved_say(&total);
	return 0;
}
