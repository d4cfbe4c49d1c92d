// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - femtosnitch-reverse, a sink that runs only while "Reverse lookup" is true: asks the name servers
 * of this machine, through the C library, what the owners of addresses call them. One at a time,
 * LOOKUPS_PER_S at most; the store remembers what was asked (store/lookups.h), so nothing is kept here. A
 * lookup blocks it, and nobody else. It has no privileges.
 *
 * Bound: QUEUE_MAX addresses wait; past that new ones are not looked up, and asked about again when they are
 * seen in an hour.
 */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "config/log.h"
#include "config/process.h"
#include "config/sandbox.h"
#include "config/stage.h"
#include "store/reverse/owner.h"

#define OUT_BOUND (64 * 1024)
#define QUEUE_MAX 256
#define LOOKUPS_PER_S 5
#define OWNER_TTL_S 3600 /* getnameinfo(3) does not tell how long it may be believed */

struct sink {
	struct stage stage;
	struct wire_lookup queue[QUEUE_MAX];
	unsigned first, count;
	int64_t not_before_ms; /* the next lookup */
};

static void look_up(struct sink *s, const struct wire_lookup *lookup)
{
	struct wire_name name = {.ttl_s = OWNER_TTL_S, .family = lookup->family, .source = WIRE_NAME_PTR};
	char text[WIRE_DOMAIN_MAX];

	name.name_len = (__u16)owner_name(lookup->family, lookup->addr, text);
	name.time_ns = stage_now();
	memcpy(name.addr, lookup->addr, sizeof(name.addr));
	if (name.name_len)
		(void)frame_put(s->stage.out, WIRE_NAME, &name, sizeof(name), text, name.name_len);
}

/* Milliseconds until there is something to do, -1: when something comes. */
static int work(struct sink *s)
{
	int64_t now = process_now_ms();

	if (s->count && now >= s->not_before_ms) {
		look_up(s, &s->queue[s->first]);
		s->first = (s->first + 1) % QUEUE_MAX;
		s->count--;
		s->not_before_ms = now + 1000 / LOOKUPS_PER_S;
		now = process_now_ms();
	}
	if (!s->count)
		return -1;
	return s->not_before_ms > now ? (int)(s->not_before_ms - now) : 0;
}

static void take(void *arg, const struct wire_hdr *hdr, const void *payload)
{
	struct sink *s = arg;

	if (hdr->type == WIRE_SETTINGS)
		(void)stage_settings(&s->stage, payload);
	if (hdr->type == WIRE_LOOKUP && s->count < QUEUE_MAX)
		memcpy(&s->queue[(s->first + s->count++) % QUEUE_MAX], payload, sizeof(s->queue[0]));
}

int main(int argc, char **argv)
{
	struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.fd = 1, .events = POLLOUT}};
	static struct sink s;
	int wait;

	mallopt(M_ARENA_MAX, 1);
	stage_start(&s.stage, WIRE_STAGE_REVERSE, OUT_BOUND, argc, argv);
	sandbox_drop(s.stage.uid, s.stage.gid, 0);
	owner_open();
	malloc_trim(0);
	do {
		wait = work(&s);
		(void)frame_flush(s.stage.out);
		fds[1].fd = frame_pending(s.stage.out) ? 1 : -1;
		if (poll(fds, 2, wait) < 0 && errno != EINTR)
			fatal("poll");
	} while (!fds[0].revents || stage_take(&s.stage, take, &s));
	frame_reader_free(s.stage.in);
	frame_writer_free(s.stage.out);
	settings_free(&s.stage.settings);
	return 0;
}
