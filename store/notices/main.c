// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - femtosnitch-notices, a sink: desktops connect to it and are told what is theirs to know. It keeps
 * no privileges, reads snitch.db and writes nothing: what a user says about a program goes to the store.
 */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "config/log.h"
#include "config/options.h"
#include "config/sandbox.h"
#include "config/stage.h"
#include "store/notices/desk.h"

#define OUT_BOUND (64 * 1024)
#define AGAIN_MS 30000 /* a look at snitch.db without having been told */
#define HELD_MS 1000   /* while something waits to be explained */

struct sink {
	struct stage stage;
	struct desk *desk;
	bool news;
};

static void order(void *arg, enum wire_order_verb verb, uint32_t uid, int64_t until_s, const char *program)
{
	struct stage *stage = arg;
	struct wire_order o = {.id = UINT64_MAX, .until_s = until_s, .verb = verb, .uid = uid};

	o.program_len = (__u32)strlen(program);
	if (o.program_len <= WIRE_PATH_MAX)
		(void)frame_put(stage->out, WIRE_ORDER, &o, sizeof(o), program, o.program_len);
}

static void take(void *arg, const struct wire_hdr *hdr, const void *payload)
{
	struct sink *s = arg;

	if (hdr->type == WIRE_SETTINGS)
		(void)stage_settings(&s->stage, payload);
	s->news |= hdr->type == WIRE_EVENT;
}

/* False at the end of input. Of many events the desktops are told at once. */
static bool take_all(struct sink *s)
{
	bool more = stage_take(&s->stage, take, s);

	if (s->news)
		desk_tell(s->desk);
	s->news = false;
	return more;
}

int main(int argc, char **argv)
{
	struct pollfd fds[2 + DESK_POLLFDS];
	static struct sink s;
	char path[OPTIONS_PATH_MAX];
	size_t n;
	int rc;

	mallopt(M_ARENA_MAX, 1);
	stage_start(&s.stage, WIRE_STAGE_NOTICES, OUT_BOUND, argc, argv);
	sandbox_drop(s.stage.uid, s.stage.gid, 0);
	if (!options_notify_socket(s.stage.state_dir, path, sizeof(path)) ||
	    !(s.desk = desk_open(path, s.stage.state_dir, s.stage.gid, order, &s.stage)))
		fatalx("no socket for desktops: nobody is told");
	do {
		(void)frame_flush(s.stage.out);
		fds[0] = (struct pollfd){.fd = 0, .events = POLLIN};
		fds[1] = (struct pollfd){.fd = frame_pending(s.stage.out) ? 1 : -1, .events = POLLOUT};
		n = desk_poll(s.desk, fds + 2);
		rc = poll(fds, 2 + n, desk_holds(s.desk) ? HELD_MS : AGAIN_MS);
		if (rc < 0 && errno != EINTR)
			fatal("poll");
		if (rc == 0)
			desk_tell(s.desk);
		if (rc > 0)
			desk_serve(s.desk, fds + 2, n);
	} while (rc <= 0 || !fds[0].revents || take_all(&s));
	desk_close(s.desk);
	frame_reader_free(s.stage.in);
	frame_writer_free(s.stage.out);
	settings_free(&s.stage.settings);
	return 0;
}
