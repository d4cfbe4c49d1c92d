/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * share.c - one connected socket, several programs. Each says only what it moved itself.
 *   inherit PROGRAM  sends BYTES, starts PROGRAM (a copy of share) with "use FD 2*BYTES", sends BYTES again
 *   use FD           sends BYTES on an inherited descriptor
 *   take             waits at the Unix socket PATH for a descriptor, sends 3*BYTES on it and reads to its end
 *   give             with PEER_ECHO: sends BYTES, reads half of them and hands the descriptor to PATH
 *   race PROGRAM     as inherit, but both send BYTES in small pieces at the same time
 */
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/actors/actor.h"

static struct moved moved;

static int unix_socket(const char *path, struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	a->sun_family = AF_UNIX;
	snprintf(a->sun_path, sizeof(a->sun_path), "%s", path);
	return fd;
}

/* Sends fd if it is not -1, else receives one and returns it. */
static int pass(int at, int fd)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} c;
	char byte = 0;
	struct iovec v = {&byte, 1};
	struct msghdr msg = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)};

	memset(&c, 0, sizeof(c));
	c.h = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(&c.h), &fd, sizeof(fd));
	if ((fd < 0 ? recvmsg(at, &msg, 0) : sendmsg(at, &msg, 0)) != 1)
		die("descriptor");
	memcpy(&fd, CMSG_DATA(&c.h), sizeof(fd));
	return fd;
}

static void pieces(int fd, unsigned long long bytes)
{
	for (; bytes >= 100; bytes -= 100)
		send_all(fd, 100, &moved);
	send_all(fd, bytes, &moved);
}

static void inherit(const char *program, const char *host, const char *port, unsigned long long bytes,
		    int race)
{
	int fd = connected(SOCK_STREAM, 0, host, port), status;
	char number[16], many[32];
	pid_t pid;

	snprintf(number, sizeof(number), "%d", fd);
	snprintf(many, sizeof(many), "%llu", race ? bytes : 2 * bytes);
	if (!race)
		send_all(fd, bytes, &moved);
	if ((pid = fork()) == 0) {
		execl(program, program, "use", number, many, (char *)NULL);
		die(program);
	}
	if (race)
		pieces(fd, bytes);
	waitpid(pid, &status, 0);
	if (!race)
		send_all(fd, bytes, &moved);
	finish(fd, &moved);
	if (status)
		exit(1);
}

static void take(const char *path, unsigned long long bytes)
{
	struct sockaddr_un a;
	int l = unix_socket(path, &a), fd;

	if (bind(l, (struct sockaddr *)&a, sizeof(a)) || listen(l, 1))
		die(path);
	step("ready");
	fd = pass(accept(l, NULL, NULL), -1);
	send_all(fd, 3 * bytes, &moved);
	finish(fd, &moved);
}

static void give(const char *path, const char *host, const char *port, unsigned long long bytes)
{
	int fd = connected(SOCK_STREAM, 0, host, port), u;
	struct sockaddr_un a;

	send_all(fd, bytes, &moved);
	receive_all(fd, bytes / 2, &moved);
	u = unix_socket(path, &a);
	if (connect(u, (struct sockaddr *)&a, sizeof(a)))
		die(path);
	pass(u, fd);
}

int main(int argc, char **argv)
{
	if (argc == 6 && (!strcmp(argv[1], "inherit") || !strcmp(argv[1], "race")))
		inherit(argv[2], argv[3], argv[4], amount(argv[5]), argv[1][0] == 'r');
	else if (argc == 4 && !strcmp(argv[1], "use"))
		pieces(atoi(argv[2]), amount(argv[3]));
	else if (argc == 4 && !strcmp(argv[1], "take"))
		take(argv[2], amount(argv[3]));
	else if (argc == 6 && !strcmp(argv[1], "give"))
		give(argv[2], argv[3], argv[4], amount(argv[5]));
	else
		usage("inherit|race PROGRAM HOST PORT BYTES | give PATH HOST PORT BYTES | take PATH BYTES | "
		      "use FD BYTES");
	moved_say(&moved);
	return 0;
}
