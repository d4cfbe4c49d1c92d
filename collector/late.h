/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * late.h - modules that are loaded while we run (tun, wireguard...): programs on their functions can only be
 * loaded once they are there, with privileges that the collector has dropped by then. A small process keeps
 * these: the loader. It sleeps, is asked for a module by its name, loads in a process of its own, and hands
 * back the descriptors of programs and links, which the collector keeps like all others.
 *
 * That a module is there is looked up by name in /sys/kernel/btf, once a second while the collector is awake
 * and once per window: a few system calls, no privilege, no memory. (A tracepoint or the kernel's uevents
 * would tell it at once; a program could still not be attached before the module's first call.) How long it
 * was not watched is said as a loss.
 */
#ifndef FEMTOSNITCH_LATE_H
#define FEMTOSNITCH_LATE_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/probe.h"
#include "config/stage.h"

struct late;

/* Start the loader, as long as we may. since_ns: when modules were looked for last. NULL: there is none, as
 * there is nothing that waits for a module, or (after a message) because it could not be started. */
struct late *late_start(struct probe *, const struct stage *, wire_ns since_ns);

void late_free(struct late *); /* ends the loader too; NULL is fine, as for the others */

int late_fd(const struct late *); /* readable: late_take(). -1: there is no loader */

/* Is one there that programs wait for? Then the loader is asked. now_ms: CLOCK_MONOTONIC. */
void late_look(struct late *, int64_t now_ms);

/* Take the answer. True: the probe has another report now. Losses go to the stage. */
bool late_take(struct late *, struct stage *);

#endif
