/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bubbles.h - what stands on the screen: one bubble per program (and per run of a package manager), which
 * counts instead of coming again, and no more than a few at once; the rest shares one bubble, which counts
 * too. What is urgent always has its own.
 */
#ifndef FEMTOSNITCH_STORE_NOTIFY_BUBBLES_H
#define FEMTOSNITCH_STORE_NOTIFY_BUBBLES_H

#include <stdbool.h>

#include "store/notify/link.h"

#define BUBBLES_BURST 3	   /* at once */
#define BUBBLES_EVERY_S 10 /* and another one after so long */
#define BUBBLES_MAX 32	   /* remembered; the oldest is forgotten */

struct bubbles;

enum bubbles_action {
	BUBBLES_ACK,
	BUBBLES_MUTE,
	BUBBLES_DETAILS
};
/* The user clicked. */
typedef void bubbles_clicked(void *arg, enum bubbles_action, const char *exe);

/* details: there is a view to open. NULL after a message: no session bus. */
struct bubbles *bubbles_open(bubbles_clicked *, void *arg, bool details);
void bubbles_close(struct bubbles *);

void bubbles_show(struct bubbles *, const struct notice *);

/* One bubble that says it works. NULL, or what is wrong, in words. */
const char *bubbles_test(struct bubbles *, char *server, unsigned long size);

#endif
