/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * interfaces.h - how much of what passed the network interfaces was counted for programs: a figure for people
 * to judge by, not a loss. By hour, for INTERFACES_DAYS.
 *
 * One side are the interfaces' own counters (which: links.h). The other are the flows that left the machine
 * by them, whatever "Log ignore" says: those of this network namespace whose peer is not on this machine, and
 * those of other namespaces whose own address this machine reaches directly (containers); not what carries
 * such flows through a tunnel. Between the two lie headers, estimated from the packets and from what kind of
 * flows there were; they are WIRE_HEADER_MIN to WIRE_HEADER_MAX bytes per packet, so the error is known. What
 * remains are retransmissions, handshakes, ARP, answers to pings, and what the machine forwards for others:
 * virtual machines, clients of a router. It is below zero when bytes were counted twice, as with a proxy that
 * serves a container through a network of its own, and nothing hides that.
 *
 * Counters are read when a window ends, once a minute: nobody wakes up for it. Who appears, disappears or is
 * reset in between is left out until the next look.
 */
#ifndef FEMTOSNITCH_STORE_INTERFACES_H
#define FEMTOSNITCH_STORE_INTERFACES_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/wire.h"
#include "store/sqlite.h"

#define INTERFACES_EVERY_MS 60000
#define INTERFACES_DAYS 7

struct interfaces;
/* net_dir is /proc/self/net, sys_dir /sys/class/net; both are kept, not copied. NULL: no memory. */
struct interfaces *interfaces_new(const char *net_dir, const char *sys_dir);
void interfaces_free(struct interfaces *);

void interfaces_flow(struct interfaces *, const struct wire_flow *);

/* Read the counters if it is time, or somebody asks. now_ms is monotonic. The first look is where counting
 * begins. True if it looked. */
bool interfaces_look(struct interfaces *, int64_t now_s, int64_t now_ms, bool asked);

/* An hour is over, or somebody asked: it must be written, even if nothing else is. */
bool interfaces_due(const struct interfaces *);

/* Write what waits, inside the caller's transaction, and forget it when that is durable. 0 or -errno. */
int interfaces_write(struct interfaces *, struct sqlite *);
void interfaces_written(struct interfaces *);

/* The last 24 hours. */
void interfaces_day(const struct interfaces *, struct sqlite *, int64_t now_s, struct wire_interfaces *);

#endif
