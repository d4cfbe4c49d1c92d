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

/* Send; without a service manager nothing happens. */
void notify_send(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same, with a descriptor for its store (-1: without), and certainly: waits for a manager that is busy. 0
 * or -errno. */
int notify_send_fd(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
