/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lookup.c - asks the C library it was built with, and sends 100 bytes to PORT of the last address it is
 * given: where there are many, only a reader of the whole answer has seen that one.
 */
#include "tests/actors/actor.h"

#define BYTES 100

int main(int argc, char **argv)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all, *last;
	struct moved moved = {0, 0};
	int rc, fd;

	if (argc != 3)
		usage("HOST PORT");
	if ((rc = getaddrinfo(argv[1], argv[2], &hints, &all))) {
		fprintf(stderr, "%s: %s\n", argv[1], gai_strerror(rc));
		return 1;
	}
	for (last = all; last->ai_next; last = last->ai_next)
		;
	fd = socket(last->ai_family, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, last->ai_addr, last->ai_addrlen))
		die("connect");
	send_all(fd, BYTES, &moved);
	close(fd);
	freeaddrinfo(all);
	moved_say(&moved);
	return 0;
}
