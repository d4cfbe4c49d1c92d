/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sinks.h - processes that hang on the supervisor, beside the chain: each reads frames of the kinds it wants
 * from its standard input (first of all the settings), and says on its standard output what is to go down the
 * chain. None of them can hold up the chain: what one does not read is dropped for it (SINKS_BOUND), and each
 * learns what it missed from snitch.db. One that dies is said, and started again, later each time.
 *
 * Adding one is a row of the table in sinks.c, and a name in enum wire_stage.
 */
#ifndef FEMTOSNITCH_SINKS_H
#define FEMTOSNITCH_SINKS_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "bpf/wire.h"
#include "config/options.h"

#define SINKS_MAX 5
#define SINKS_POLLFDS (2 * SINKS_MAX)
#define SINKS_BOUND (256 * 1024)

struct sinks;

/* A frame that a sink said, of a kind that is for it to say: the table in sinks.c. */
typedef void sinks_heard(void *arg, const struct wire_hdr *, const void *payload);

/* Nothing is started yet. NULL: no memory. options are kept, not copied. */
struct sinks *sinks_new(const struct options *, uid_t uid, gid_t gid, sinks_heard *, void *arg);
void sinks_free(struct sinks *); /* kills what is left; NULL is fine */

/* Whenever that sink is started it gets this end of a socket (handover.h), which is the sinks' from now on.
 * -1: none. */
void sinks_handover(struct sinks *, enum wire_stage, int fd);

/* These are the settings now: start who is wanted, tell who runs, stop who is not. */
void sinks_settings(struct sinks *, unsigned generation, const char *text, size_t len, int64_t now_ms);

/* A frame that came back from the chain: to those who want its kind. */
void sinks_pass(struct sinks *, const struct wire_hdr *, const void *payload);

/* Fill fds (room for SINKS_POLLFDS) with what to poll; returns how many. Then serve what poll(2) found. */
size_t sinks_poll(const struct sinks *, struct pollfd *fds);
void sinks_serve(struct sinks *, const struct pollfd *fds, size_t n);

void sinks_reap(struct sinks *, int64_t now_ms);	    /* those that ended */
void sinks_tick(struct sinks *, int64_t now_ms);	    /* start again whose time has come */
int sinks_timeout_ms(const struct sinks *, int64_t now_ms); /* until then, -1 = nobody's */
void sinks_stop(struct sinks *);			    /* all of them: end of file */
pid_t sinks_pid(const struct sinks *, size_t which); /* 0: that one does not run, or there are no more */
void sinks_print(const struct sinks *, FILE *);	     /* for `status` */

#endif
