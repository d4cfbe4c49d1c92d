/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * request.h - a line that a desktop client says, understood. Any local user can connect and say anything:
 * what is not exactly one of these is refused, and its client let go.
 */
#ifndef FEMTOSNITCH_STORE_NOTICES_REQUEST_H
#define FEMTOSNITCH_STORE_NOTICES_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum request_kind {
	REQUEST_SINCE, /* {"since": ID} */
	REQUEST_ACK,   /* {"ack": PATH} */
	REQUEST_MUTE   /* {"mute": PATH, "until": UNIX SECONDS} */
};

struct request {
	enum request_kind kind;
	int64_t since;	 /* of SINCE */
	int64_t until_s; /* of MUTE, 0 = for ever */
	char *program;	 /* of ACK and MUTE: not empty, at most WIRE_PATH_MAX bytes, UTF-8; free() */
};

/* len bytes without the newline. False: nobody says that, and nothing is to be freed. */
bool request_parse(struct request *, const char *line, size_t len);

#endif
