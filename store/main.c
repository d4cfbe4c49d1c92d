// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - femtosnitch-store, the last stage: frames in, snitch.db and text logs out, and what the supervisor
 * must hear back down the tail. One thread, one loop, no privileges.
 */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>

#include "config/log.h"
#include "config/sandbox.h"
#include "config/stage.h"
#include "config/wire_check.h"
#include "store/keep.h"

#define OUT_BOUND (256 * 1024) /* a supervisor that reads nothing for so long is past helping */
#define FRAMES_AT_ONCE 4096    /* between two looks at the clock */

static void ready(struct keep *k, const struct wire_ready *before)
{
	keep_covers(k, before);
	if (before->stage != WIRE_STAGE_HASHER)
		return; /* ours comes behind that of the stage before us */
	keep_ready(k);
	keep_watching(k);
}

/* Who runs and what, where, and under which name; false: the frame is about something else. */
static bool handle_identity(struct keep *k, const struct wire_hdr *hdr, const void *payload, bool known)
{
	int64_t now_s = (int64_t)(stage_now() / 1000000000u);
	int rc = 0;

	switch (hdr->type) {
	case WIRE_PLACE:
		rc = intake_place(&k->in, payload);
		break;
	case WIRE_NAME:
		rc = intake_told(&k->in, payload);
		break;
	case WIRE_IMAGE:
		rc = intake_image(&k->in, payload, now_s, known);
		break;
	case WIRE_FORK:
		(void)images_fork(k->in.images, payload);
		break;
	case WIRE_EXIT:
		images_exit(k->in.images, payload);
		break;
	case WIRE_DIGEST:
		programs_digest(k->in.programs, payload);
		changes_digest(k->in.changes, payload);
		break;
	case WIRE_LIBRARIES:
		libraries_add(k->libraries, payload, now_s);
		break;
	case WIRE_CHANGED:
		programs_changed(k->in.programs, payload);
		(void)changes_modified(k->in.changes, payload, now_s);
		break;
	case WIRE_PACKAGE:
		changes_package(k->in.changes, payload);
		break;
	default:
		return false;
	}
	if (rc != 0)
		log_warnx("no memory for a frame of type %u", hdr->type);
	return true;
}

/* What is said of the stages, and to them. */
static void handle_service(struct keep *k, const struct wire_hdr *hdr, const void *payload)
{
	switch (hdr->type) {
	case WIRE_SETTINGS:
		keep_settings(k, payload);
		return;
	case WIRE_ORDER:
		keep_order(k, payload);
		return;
	case WIRE_VERDICT:
		keep_verdict(k, payload);
		return;
	case WIRE_ERROR:
		keep_error(k, payload);
		break;
	case WIRE_SINK:
		keep_sink(k, payload);
		break;
	case WIRE_READY:
		(void)frame_pass(k->stage->out, hdr, payload);
		ready(k, payload);
		return;
	case WIRE_TICK: /* what came before it has been done: the supervisor's watchdog */
	case WIRE_FETCHED:
		break;
	default: /* for the stages before us */
		return;
	}
	(void)frame_pass(k->stage->out, hdr, payload);
}

static void handle(struct keep *k, const struct wire_hdr *hdr, const void *payload)
{
	bool known = wire_is_fact(hdr->type, payload) && facts_known(&k->facts);

	switch (hdr->type) {
	case WIRE_WINDOW:
		keep_window(k, payload);
		break;
	case WIRE_RESUME:
		keep_resume(k, payload);
		break;
	case WIRE_FLOW:
		if (!known)
			keep_flow(k, payload);
		break;
	case WIRE_LOSS:
		if (known)
			break;
		keep_loss(k, payload);
		(void)frame_pass(k->stage->out, hdr, payload);
		break;
	default:
		if (!handle_identity(k, hdr, payload, known))
			handle_service(k, hdr, payload);
	}
}

/* 1: more may wait, 0: end of input, -EAGAIN: nothing there. */
static int take_frames(struct keep *k)
{
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	int n, rc = 0;

	for (n = 0; n < FRAMES_AT_ONCE; n++) {
		rc = frame_next(k->stage->in, &hdr, &payload, &why);
		if (rc == 1)
			handle(k, hdr, payload);
		else if (rc < 0 || (rc = frame_fill(k->stage->in)) <= 0)
			break;
	}
	if (rc == -EPROTO)
		log_warnx("broken peer: %s", why);
	else if (rc < 0 && rc != -EAGAIN)
		log_warnx("standard input: error %d", -rc);
	if (rc == 0 && frame_cut(k->stage->in))
		log_warnx("the last frame was cut: the stage before this one died");
	return rc < 0 && rc != -EAGAIN ? 0 : rc;
}

static void loop(struct keep *k)
{
	struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.fd = 1}};
	int rc, wait;

	while ((rc = take_frames(k)) != 0) {
		wait = keep_timers(k, rc == 1);
		fds[1].fd = frame_flush(k->stage->out) == -EAGAIN ? 1 : -1;
		fds[1].events = POLLOUT;
		if (rc == -EAGAIN && poll(fds, 2, wait) < 0 && errno != EINTR)
			fatal("poll");
	}
}

int main(int argc, char **argv)
{
	struct stage stage;
	static struct keep keep;

	mallopt(M_ARENA_MAX, 1);
	stage_start(&stage, WIRE_STAGE_STORE, OUT_BOUND, argc, argv);
	sandbox_drop(stage.uid, stage.gid, 0);
	keep_open(&keep, &stage);
	loop(&keep);
	keep_close(&keep);
	(void)frame_flush(stage.out);
	frame_reader_free(stage.in);
	frame_writer_free(stage.out);
	settings_free(&stage.settings);
	return 0;
}
