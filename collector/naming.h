/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * naming.h - the collector's end of femtosnitch-names: payloads there, names back and downstream. It is
 * started, and started again when it died, later each time; that is said, and logging goes on without names.
 *
 * Nothing here waits for it. NAMING_BOUND bytes of payloads may wait in front of a full pipe; past that they
 * are dropped, counted, and said at the end of the window.
 */
#ifndef FEMTOSNITCH_NAMING_H
#define FEMTOSNITCH_NAMING_H

#include <stdbool.h>
#include <stdint.h>

#include "config/stage.h"

#define NAMING_BOUND (256 << 10)
#define NAMING_HOLD_MS 250 /* how long the end of a window waits for the names in it */

struct naming;

/* Find the program, which lies beside self, as long as we may look everywhere; naming_tick() starts it. NULL
 * (after a message): there is none, or no memory; the functions below then do nothing.
 * files: what is sent to it first, and at the end of a window in which it changed. */
struct naming *naming_new(struct stage *, const char *self, const char *const files[WIRE_HOSTS__MAX]);
void naming_free(struct naming *); /* ends it */

/* Start it if it is wanted and its time has come; end it if it is not wanted. now_ms: CLOCK_MONOTONIC. */
void naming_tick(struct naming *, bool wanted, int64_t now_ms);

/* Milliseconds until naming_tick() has something to do, -1: nothing. */
int naming_due_ms(const struct naming *, int64_t now_ms);

/* Its signature is record_payload's; arg is the struct naming. */
void naming_payload(void *arg, const struct wire_payload *, const void *data);

/* Always the same, readable when naming_serve() has something to do; -1: there is none. */
int naming_fd(const struct naming *);

/* Write what waits, pass on what came. */
void naming_serve(struct naming *, int64_t now_ms);

/* The window ends here: say what was dropped in it, since from, and ask for an echo behind the payloads so
 * far. True: it can be waited for until naming_echoed(). Without a payload since the last there is none. */
bool naming_mark(struct naming *, wire_ns from, wire_ns to);
bool naming_echoed(const struct naming *); /* true as well when none will come */

#endif
