/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host.h - what this machine is called wherever its log is copied to.
 */
#ifndef FEMTOSNITCH_STORE_HOST_H
#define FEMTOSNITCH_STORE_HOST_H

#include <stddef.h>

#define HOST_ID 16

/* From /etc/machine-id, which shall not leave the machine itself: a SHA-256 of it does. All zero without one.
 */
void host_id(unsigned char id[HOST_ID]);
void host_name(char *name, size_t size); /* never empty, valid UTF-8 */

#endif
