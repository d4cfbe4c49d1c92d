/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * notify.h - tells the service manager how we are (sd_notify(3)'s protocol: one datagram of NAME=VALUE
 * lines).
 */
#ifndef FEMTOSNITCH_NOTIFY_H
#define FEMTOSNITCH_NOTIFY_H

#include <stdbool.h>

/* Take NOTIFY_SOCKET and WATCHDOG_USEC out of the environment, so that no child speaks for us. */
void notify_open(void);

bool notify_active(void);	   /* did a service manager start us? */
unsigned notify_watchdog_ms(void); /* how often it wants to hear WATCHDOG=1, 0 = never */

/* Send; without a service manager nothing happens. Forgotten if it is busy: for what is said again. */
void notify_send(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* For what is said once: a manager that is busy is waited for, a few seconds at most (its queue may be as
 * short as ten messages). With a descriptor for its store, -1: without. 0 or -errno. */
int notify_surely(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
