// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - femtosnitch-notices, a sink: desktops connect to it and are told what is theirs to know. It keeps
 * no privileges, reads snitch.db and writes nothing: what a user says about a program goes to the store.
 */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
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

static void order(void *arg, enum wire_order_verb verb, uint32_t uid, int64_t until_s, const char *program)
{
	struct stage *stage = arg;
	struct wire_order o = {.id = UINT64_MAX, .until_s = until_s, .verb = verb, .uid = uid};

	o.program_len = (__u32)strlen(program);
	if (o.program_len <= WIRE_PATH_MAX)
		(void)frame_put(stage->out, WIRE_ORDER, &o, sizeof(o), program, o.program_len);
}

/* False at the end of input. */
static int take_frames(struct stage *stage, struct desk *desk)
{
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	int rc, got = frame_fill(stage->in), news = 0;

	while ((rc = frame_next(stage->in, &hdr, &payload, &why)) > 0) {
		if (hdr->type == WIRE_SETTINGS)
			(void)stage_settings(stage, payload);
		news |= hdr->type == WIRE_EVENT;
	}
	if (rc < 0)
		fatalx("broken frame: %s", why);
	if (news)
		desk_tell(desk);
	return got > 0 || got == -EAGAIN;
}

int main(int argc, char **argv)
{
	struct pollfd fds[2 + DESK_POLLFDS];
	struct stage stage;
	struct desk *desk;
	char path[OPTIONS_PATH_MAX];
	size_t n;
	int rc;

	mallopt(M_ARENA_MAX, 1);
	stage_start(&stage, WIRE_STAGE_NOTICES, OUT_BOUND, argc, argv);
	sandbox_drop(stage.uid, stage.gid, 0);
	if (!options_notify_socket(stage.state_dir, path, sizeof(path)) ||
	    !(desk = desk_open(path, stage.state_dir, stage.gid, order, &stage)))
		fatalx("no socket for desktops: nobody is told");
	do {
		(void)frame_flush(stage.out);
		fds[0] = (struct pollfd){.fd = 0, .events = POLLIN};
		fds[1] = (struct pollfd){.fd = frame_pending(stage.out) ? 1 : -1, .events = POLLOUT};
		n = desk_poll(desk, fds + 2);
		rc = poll(fds, 2 + n, desk_holds(desk) ? HELD_MS : AGAIN_MS);
		if (rc < 0 && errno != EINTR)
			fatal("poll");
		if (rc == 0)
			desk_tell(desk);
		if (rc > 0)
			desk_serve(desk, fds + 2, n);
	} while (rc <= 0 || !fds[0].revents || take_frames(&stage, desk));
	desk_close(desk);
	frame_reader_free(stage.in);
	frame_writer_free(stage.out);
	settings_free(&stage.settings);
	return 0;
}
