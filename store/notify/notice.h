/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * notice.h - a line that the system's side says (store/notices/feed.h), understood. It is not trusted with
 * more than its text: whoever listens in its place could say anything.
 */
#ifndef FEMTOSNITCH_STORE_NOTIFY_NOTICE_H
#define FEMTOSNITCH_STORE_NOTIFY_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All text is foreign: any bytes but NUL, escaped before it is shown. NULL: there is none. */
struct notice {
	int64_t id;
	const char *kind; /* "new", "changed" ...; never NULL */
	const char *exe, *name, *user, *text;
	int64_t seen;	 /* to be said when we come again, 0: as before */
	int64_t summary; /* so many programs became one notice, 0: it is about one */
	/* who brought its contents */
	const char *package, *version, *manager;
	const char *explained; /* "yes", "no": they are not what the package brought, NULL: nobody knows */
	int64_t run;	       /* the same for all that was brought together, 0: it came alone */
	int64_t members, packages; /* of the run, so far */
	void *json, *names;	   /* what the text above is in */
};

/* len bytes without the newline. False: it is no notice, and nothing is to be freed. */
bool notice_parse(struct notice *, const char *line, size_t len);
void notice_free(struct notice *);

#endif
