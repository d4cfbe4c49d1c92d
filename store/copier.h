/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * copier.h - a sink that copies the log to a server: a process of its own, without privileges, which hears of
 * each window that was written and says how far it got; the store keeps that (copied.h). The server may hang
 * or be away: nobody waits for us, and snitch.db keeps what is not there yet. Killed at any time, it begins
 * behind the last window that snitch.db knows of.
 *
 * Each row once: the row of a window has a key, and is put in the transaction that puts the rest of it. One
 * that is there already was sent before, and is passed over; if that cannot be, it is said.
 */
#ifndef FEMTOSNITCH_STORE_COPIER_H
#define FEMTOSNITCH_STORE_COPIER_H

#include "store/driver.h"

int copier_run(const struct driver *, int argc, char **argv); /* the whole process: its exit code */

#endif
