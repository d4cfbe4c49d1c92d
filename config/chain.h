/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chain.h - the processes of the pipeline and the pipes between them. It starts, counts, names and kills
 * them; it does not look at what flows.
 *
 *   head -> collector -> hasher -> store -> tail
 */
#ifndef FEMTOSNITCH_CHAIN_H
#define FEMTOSNITCH_CHAIN_H

#include <stdbool.h>
#include <sys/types.h>

#include "bpf/wire.h"
#include "config/options.h"

struct chain {
	pid_t pid[WIRE_CHAIN_END]; /* 0: not there (any more) */
	int head;		   /* ours to write; -1 once closed */
	int tail;		   /* ours to read */
};

/* Start all stages with uid and gid as arguments. handover: for each stage its end of a socket (handover.h),
 * which stays the caller's; -1 = none. 0, or -errno after a message with nothing left running. */
int chain_start(struct chain *, const struct options *, uid_t uid, gid_t gid,
		const int handover[WIRE_CHAIN_END]);

/* One stage that has ended, with wait(2)'s status, or 0 when there is none (WIRE_STAGE_SUPERVISOR is no
 * stage). */
enum wire_stage chain_reap(struct chain *, pid_t *pid, int *status);

/* "exited with 1", "was killed by signal 9 (Killed)". */
void chain_describe(int status, char *buf, size_t size);

bool chain_alive(const struct chain *); /* is any left? */
void chain_kill(const struct chain *);	/* SIGKILL to those that are left */
void chain_leave(struct chain *);	/* forget them: they cannot be killed */
void chain_close_head(struct chain *);	/* tells them to finish */
void chain_close(struct chain *);	/* both ends */

/* What one process of ours starts with: its standard input and output, and (-1: none) the descriptor that
 * --handover tells of. */
struct chain_start {
	const struct options *options;
	uid_t uid;
	gid_t gid;
	int in, out;
	int handover;
};

/* Start femtosnitch-NAME. Its pid, or -errno after a message. */
pid_t chain_spawn(const char *name, const struct chain_start *);
int chain_pipe(int ends[2]); /* close-on-exec, large. 0 or -errno */

#endif
