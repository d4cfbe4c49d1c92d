/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch.h - one file from a server by HTTPS (http only to this machine), unpacked on the way if it is gzip.
 */
#ifndef FEMTOSNITCH_STORE_GEOIP_FETCH_H
#define FEMTOSNITCH_STORE_GEOIP_FETCH_H

#include <stddef.h>

#define FETCH_MAX (512ul << 20) /* bytes, unpacked: the free databases have 10 to 100 MB */

enum fetch_result {
	FETCH_DONE,
	FETCH_NOT_THERE, /* HTTP 404 */
	FETCH_FAILED	 /* why says it */
};

/* Everything goes to fd. why: size bytes. */
enum fetch_result fetch_file(const char *url, int fd, char *why, size_t size);

#endif
