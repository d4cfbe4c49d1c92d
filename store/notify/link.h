/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link.h - the connection to the system's side (store/notices/desk.h): lines of JSON both ways, made again
 * when it breaks, later each time up to a minute. What was seen last is kept in a file, so that nothing is
 * told twice and nothing is lost while nobody is logged in.
 */
#ifndef FEMTOSNITCH_STORE_NOTIFY_LINK_H
#define FEMTOSNITCH_STORE_NOTIFY_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link;

/* A notice. The text is foreign: it is escaped before it is shown. Pointers are valid during the call. */
struct link_notice {
	int64_t id;
	const char *kind;		      /* "new", "changed" ... */
	const char *exe, *name, *user, *text; /* NULL: none */
	int64_t summary;		      /* so many programs became one notice, 0: it is about one */
	/* who brought its contents */
	const char *package, *version, *manager; /* NULL: not known */
	const char *explained; /* "yes", "no": they are not what the package brought, NULL: nobody knows */
	int64_t run;	       /* the same for all that was brought together, 0: it came alone */
	int64_t members, packages; /* of the run, so far */
};
typedef void link_told(void *arg, const struct link_notice *);

/* Connect to socket when the main loop runs, and call told. state: the file. NULL: no memory. */
struct link *link_open(const char *socket, const char *state, link_told *, void *arg);
void link_close(struct link *);

/* Say it for the user whose session this is. until_s 0: for ever. */
void link_ack(struct link *, const char *program);
void link_mute(struct link *, const char *program, int64_t until_s);

int link_connect(const char *socket); /* an fd, or -errno: for who only wants to know */

#endif
