/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * threads.c - sockets that several threads, or processes with one table of descriptors, have in hand at once.
 *   both    two threads send BYTES each on one TCP socket
 *   close   from PEER_SOURCE: one thread is in recv() while another closes the descriptor; all BYTES come
 *   exec    a thread sends without end while the first executes PROGRAM, a copy of share.c: use FD BYTES
 *   leader  the first thread ends, two others go on and send BYTES each
 *   vfork   parent and child, which borrows the parent's memory, send BYTES each on one socket
 *   files   a process with the same descriptors, but its own memory, makes a socket; both send BYTES on it
 *   uid     UDP: BYTES as root, BYTES as nobody on the same socket, BYTES on a new one
 *   flight  writes what a socket takes at once, and ends without waiting for it to leave
 */
#include "tests/actors/actor.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

static const char *host, *port;
static unsigned long long bytes;
static int sock;
static struct moved *moved; /* shared with children */

static int dial(void)
{
	return connected(SOCK_STREAM, 0, host, port);
}

/* By whom ever: the sum is one. */
static void send_shared(int fd, unsigned long long n)
{
	struct moved m = {0, 0};

	for (; n >= 1000; n -= 1000)
		send_all(fd, 1000, &m);
	send_all(fd, n, &m);
	__atomic_fetch_add(&moved->sent, m.sent, __ATOMIC_RELAXED);
}

static void *sender(void *arg)
{
	(void)arg;
	send_shared(sock, bytes);
	return NULL;
}

static void both(void)
{
	pthread_t t;

	sock = dial();
	pthread_create(&t, NULL, sender, NULL);
	sender(NULL);
	pthread_join(t, NULL);
	finish(sock, moved);
}

static void *reader(void *arg)
{
	static char all[1 << 20];
	unsigned long long n = *(unsigned long long *)arg;
	int fd = sock; /* the number will be gone, and perhaps another's */

	while (n) {
		ssize_t r = recv(fd, all, n < sizeof(all) ? n : sizeof(all), MSG_WAITALL);

		if (r < 0)
			die("recv");
		moved->received += r;
		n -= r;
	}
	return NULL;
}

/* The call that runs holds the socket; it ends with the bytes that it waits for. */
static void closing(void)
{
	pthread_t t;

	if (bytes > 1 << 20)
		die("one call must take all");
	sock = dial();
	pthread_create(&t, NULL, reader, &bytes);
	wait_ms(50);
	request(sock, bytes, moved);
	close(sock);
	pthread_join(t, NULL);
}

static void *endless(void *arg)
{
	struct moved m = {0, 0};

	(void)arg;
	send_all(sock, ~0ULL, &m);
	return NULL;
}

static void exec_while(const char *program)
{
	char number[16], many[32];
	pthread_t t;

	sock = dial();
	pthread_create(&t, NULL, endless, NULL);
	wait_ms(30);
	snprintf(number, sizeof(number), "%d", sock);
	snprintf(many, sizeof(many), "%llu", bytes);
	execl(program, program, "use", number, many, (char *)NULL);
	die(program);
}

static int senders = 2;

static void *last_sender(void *arg)
{
	wait_ms(50); /* the first thread is gone by then */
	sender(arg);
	if (__atomic_sub_fetch(&senders, 1, __ATOMIC_ACQ_REL) == 0) {
		finish(sock, moved);
		moved_say(moved);
		_exit(0);
	}
	return NULL;
}

static void leader(void)
{
	pthread_t t;

	sock = dial();
	pthread_create(&t, NULL, last_sender, NULL);
	pthread_create(&t, NULL, last_sender, NULL);
	pthread_exit(NULL);
}

static void borrowed(void)
{
	pid_t pid;

	sock = dial();
	send_shared(sock, bytes);
	if ((pid = vfork()) == 0) {
		send_shared(sock, bytes);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	finish(sock, moved);
}

static int maker(void *arg)
{
	(void)arg;
	sock = dial();
	send_shared(sock, bytes);
	__atomic_store_n(&moved->received, sock, __ATOMIC_RELEASE); /* that is how the parent is told */
	wait_ms(50);
	return 0;
}

static void files(void)
{
	static char stack[262144];
	pid_t pid = clone(maker, stack + sizeof(stack) - 64, CLONE_FILES | SIGCHLD, NULL);

	if (pid < 0)
		die("clone");
	while (!(sock = __atomic_load_n(&moved->received, __ATOMIC_ACQUIRE)))
		wait_ms(1);
	moved->received = 0;
	send_shared(sock, bytes);
	waitpid(pid, NULL, 0);
	finish(sock, moved);
}

static void uid(void)
{
	int fd = connected(SOCK_DGRAM, 0, host, port);

	send_shared(fd, bytes);
	if (setuid(65534))
		die("setuid");
	send_shared(fd, bytes);
	close(fd);
	fd = connected(SOCK_DGRAM, 0, host, port);
	send_shared(fd, bytes);
	close(fd);
}

static void flight(void)
{
	static const char buf[65536];
	int fd = dial();
	ssize_t r;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (moved->sent < bytes && (r = send(fd, buf, sizeof(buf), MSG_NOSIGNAL)) > 0)
		moved->sent += r;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} modes[] = {
		{"both", both},	  {"close", closing}, {"leader", leader}, {"vfork", borrowed},
		{"files", files}, {"uid", uid},	      {"flight", flight},
	};
	size_t i;

	if (argc < 5)
		usage("MODE HOST PORT BYTES [PROGRAM]");
	host = argv[2];
	port = argv[3];
	bytes = amount(argv[4]);
	moved = mmap(NULL, sizeof(*moved), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!strcmp(argv[1], "exec") && argc == 6)
		exec_while(argv[5]);
	for (i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(modes[i].name, argv[1]))
			continue;
		modes[i].run();
		moved_say(moved);
		return 0;
	}
	usage("MODE HOST PORT BYTES [PROGRAM]");
}
