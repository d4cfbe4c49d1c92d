/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stage.h - what every process of the pipeline does alike: it reads frames on fd 0, writes frames on fd 1,
 * logs on fd 2, gets its settings as the first frame, and says losses and errors downstream. End of file on
 * fd 0 is its only order to stop (SIGINT, SIGTERM and SIGHUP are the supervisor's and are ignored here).
 */
#ifndef FEMTOSNITCH_STAGE_H
#define FEMTOSNITCH_STAGE_H

#include <stdbool.h>
#include <sys/types.h>

#include "bpf/wire.h"
#include "config/frame.h"
#include "config/settings.h"

struct stage {
	enum wire_stage id;
	const char *state_dir; /* --state-dir */
	const char *log_dir;   /* --log-dir */
	uid_t uid;	       /* --uid, --gid: what to become once privileges are not needed */
	gid_t gid;
	int handover; /* --handover: a socket of handover.h; -1 = none */
	struct frame_reader *in;
	struct frame_writer *out;
	struct settings settings;
	uint32_t settings_generation;
};

/* Parse the arguments, set up log, signals and both pipes (out_bound: see frame.h), wait for the first
 * WIRE_SETTINGS, pass it on. Exits with a message on bad arguments or a broken peer; exits 0 at end of file.
 */
void stage_start(struct stage *, enum wire_stage id, size_t out_bound, int argc, char **argv);

/* A later WIRE_SETTINGS: takes it over and passes it on. The supervisor has checked it. 0 or -errno. */
int stage_settings(struct stage *, const struct wire_settings *);

/* Read once what stands in the pipe, and have each frame taken. False: it is the end of the file. Exits with
 * a message on a broken peer. */
typedef void stage_taken(void *arg, const struct wire_hdr *, const void *payload);
bool stage_take(struct stage *, stage_taken *, void *arg);

/* Say it downstream. 0, or -ENOBUFS. from_ns 0 = now. Text over WIRE_TEXT_MAX is cut. */
int stage_ready(struct stage *, const char *text);
int stage_error(struct stage *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int stage_loss(struct stage *, enum wire_loss_kind, wire_ns from_ns, wire_ns to_ns, uint64_t records,
	       uint64_t bytes, const char *fmt, ...) __attribute__((format(printf, 7, 8)));

wire_ns stage_now(void); /* CLOCK_REALTIME */

#endif
