/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control.h - the supervisor's socket: one line in, text out, close. It owns the socket and its clients and
 * never waits for any of them: at most CONTROL_CLIENTS at a time (more are turned away), CONTROL_IDLE_MS to
 * send the line and again to take the answer. The kernel says who asks: root, the owner of the state
 * directory and members of its group are heard, others are not; only the first two are `trusted`.
 */
#ifndef FEMTOSNITCH_CONTROL_H
#define FEMTOSNITCH_CONTROL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CONTROL_CLIENTS 16
#define CONTROL_LINE_MAX 4224 /* a path, and what to do with it */
#define CONTROL_IDLE_MS 5000
#define CONTROL_POLLFDS (CONTROL_CLIENTS + 1)

struct control;

/* What a command gave. Either text is the answer (control frees it), or ticket is a number under which
 * control_answer() will be called; after wait_ms the answer is "failed: no answer in time". */
struct control_reply {
	char *text;
	uint64_t ticket;
	int wait_ms;
};

/* Who asks. */
struct control_who {
	uid_t uid;
	bool trusted;
};

/* Carry out line (UTF-8 without control characters). */
typedef void control_command(void *arg, const char *line, const struct control_who *, struct control_reply *);

/* Listen on path (0660, owner:group), replacing a socket left behind. NULL after a message. */
struct control *control_open(const char *path, uid_t owner, gid_t group, control_command *, void *arg);
void control_close(struct control *); /* NULL is fine; removes the socket */

/* Fill fds (room for CONTROL_POLLFDS) with what to poll; returns how many. */
size_t control_poll(const struct control *, struct pollfd *fds);

/* Milliseconds until a client's time is up, -1 = none waits. */
int control_timeout_ms(const struct control *, int64_t now_ms);

/* Serve what poll(2) found in the fds that control_poll() filled, and let go of who is late. */
void control_serve(struct control *, const struct pollfd *fds, size_t n, int64_t now_ms);

/* The answer for those who wait for ticket, if any still does. */
void control_answer(struct control *, uint64_t ticket, const char *text, int64_t now_ms);

#endif
