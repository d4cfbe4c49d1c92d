// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * upload.c - see upload.h. The descriptor is ours from handover_receive() on, and source.c's right after. One
 * that nobody waits for any more (of a run of ours that died, or came too late) is closed.
 */
#include "store/virustotal/upload.h"

#include <string.h>
#include <unistd.h>

#include "config/handover.h"

bool upload_order(struct upload *u, struct stage *stage, const uint8_t sha256[WIRE_SHA256_SIZE],
		  const char *exe, int64_t now_s)
{
	struct wire_fetch order = {.path_len = (__u32)strlen(exe)};

	if (stage->handover < 0 || order.path_len > WIRE_PATH_MAX)
		return false;
	memcpy(order.sha256, sha256, sizeof(order.sha256));
	if (frame_put(stage->out, WIRE_FETCH, &order, sizeof(order), exe, order.path_len) != 0)
		return false;
	memcpy(u->sha256, sha256, sizeof(u->sha256));
	u->until_s = now_s + UPLOAD_FETCH_S;
	u->state = UPLOAD_ORDERED;
	return true;
}

/* The descriptor that was sent before the answer; -1: there is none. */
static int receive(struct stage *stage, const uint8_t sha256[WIRE_SHA256_SIZE])
{
	char name[2 * WIRE_SHA256_SIZE + 1];
	struct handover h;
	int fd = -1;

	ask_hex(name, sha256);
	while (fd < 0 && handover_receive(stage->handover, &h) == 0) {
		if (h.n == 1 && strcmp(h.name[0], name) == 0) {
			fd = h.fd[0];
			h.n = 0;
		}
		handover_close(&h);
	}
	return fd;
}

static const char *reason(unsigned error)
{
	switch (error) {
	case WIRE_HASH_NO_FILE:
	case WIRE_HASH_GONE:
		return "it is not there any more";
	case WIRE_HASH_CHANGED:
		return "the file there is not, or is not proved to be, the one that ran";
	case WIRE_HASH_PERMISSION:
		return "it may not be opened";
	case WIRE_HASH_TIMEOUT:
		return "its filesystem does not answer";
	default:
		return "it cannot be read now";
	}
}

const char *upload_fetched(struct upload *u, struct stage *stage, const struct wire_fetched *answer)
{
	const char *why = NULL;
	int fd;

	if (u->state != UPLOAD_ORDERED || memcmp(u->sha256, answer->sha256, sizeof(u->sha256)) != 0)
		return NULL;
	if (answer->error)
		return reason(answer->error);
	fd = receive(stage, answer->sha256);
	if (fd < 0)
		return "it did not arrive";
	u->source = source_open(fd, u->sha256, &why);
	if (u->source)
		u->state = UPLOAD_READY;
	return why;
}

enum ask_result upload_step(struct upload *u, const struct ask *ask, struct ask_answer *answer)
{
	bool large = source_size(u->source) > ASK_DIRECT_MAX;

	if (large && !u->url[0])
		return ask_where(ask, u->url, answer);
	return ask_upload(ask, large ? u->url : NULL, u->sha256, u->source, answer);
}

void upload_end(struct upload *u)
{
	source_close(u->source);
	*u = (struct upload){0};
}
