/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * words.h - what a bubble says. Names of programs, command lines and packages are whatever their maker liked:
 * control characters are taken out, and what could be markup is no longer. Knows no desktop.
 */
#ifndef FEMTOSNITCH_STORE_NOTIFY_WORDS_H
#define FEMTOSNITCH_STORE_NOTIFY_WORDS_H

#include <stdbool.h>

#include "store/notify/notice.h"

#define WORDS_TITLE_MAX 128
#define WORDS_BODY_MAX 512 /* of each piece of a body */

enum words_urgency {
	WORDS_LOW,
	WORDS_NORMAL,
	WORDS_URGENT /* what nobody may miss: it stays until it is read */
};

struct words {
	char *title, *body; /* g_free(), or words_free() */
	const char *icon;
	enum words_urgency urgency;
};

/* count: how often this was told, with this time. markup: the desktop reads bodies as markup. */
void words_of(struct words *, const struct notice *, unsigned count, bool markup);

/* All that shares a bubble. */
struct words_rest {
	unsigned count, urgent; /* how many, and how many of them would be urgent alone */
	bool waited;		/* nobody was there when it came */
	const char *names;
};
void words_of_rest(struct words *, const struct words_rest *, bool markup);

void words_free(struct words *);

enum words_urgency words_urgency(const struct notice *);

#endif
