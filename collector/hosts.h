/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hosts.h - has the machine's hosts(5) or resolv.conf(5) changed, and what are its bytes? They are looked
 * into elsewhere (names/hosts.h, names/servers.h).
 */
#ifndef FEMTOSNITCH_HOSTS_H
#define FEMTOSNITCH_HOSTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "bpf/wire.h"
#include "config/frame.h"

#define HOSTS_FILE "/etc/hosts"
#define HOSTS_SERVERS "/etc/resolv.conf"
#define HOSTS_UPSTREAM "/run/systemd/resolve/resolv.conf" /* systemd-resolved.service(8) */
#define HOSTS_FILE_MAX (128 << 10) /* bytes that are looked at: it waits whole for who reads it */

struct hosts_file {
	const char *path;
	enum wire_hosts_file file;
	uint32_t netns;	  /* ours */
	struct stat last; /* that was sent; zero: none */
};

void hosts_file_init(struct hosts_file *, enum wire_hosts_file, const char *path);
void hosts_file_again(struct hosts_file *); /* whoever got it is gone */

/* If it is another than was sent last, put it, in pieces. A file that cannot be read is an empty one. True:
 * it was put; what the writer had no room for comes with the next call. */
bool hosts_file_put(struct hosts_file *, struct frame_writer *);

#endif
