/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tiny.c - the shortest life with traffic: one datagram of BYTES, then exit. A fourth argument "unlink" makes
 * the program delete its own file first. Linked statically, so that it lives about a millisecond.
 */
#include "tests/actors/actor.h"

int main(int argc, char **argv)
{
	static char buf[65536];
	struct sockaddr_in to = {.sin_family = AF_INET};
	int fd;

	if (argc < 2)
		return 0; /* no traffic at all: what starting a program costs */
	if (argc < 4)
		usage("[HOST PORT BYTES [unlink]]");
	if (argc > 4 && !strcmp(argv[4], "unlink") && unlink(argv[0]))
		return 1;
	inet_pton(AF_INET, argv[1], &to.sin_addr);
	to.sin_port = htons(atoi(argv[2]));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	return sendto(fd, buf, atoi(argv[3]), 0, (struct sockaddr *)&to, sizeof(to)) != atoi(argv[3]);
}
