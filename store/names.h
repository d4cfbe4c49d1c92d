/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * names.h - what the peer of a connection is called: what the program said of it itself (a claim), and what a
 * resolver tied to its address. The two are never mixed. No I/O.
 *
 * A connection keeps the resolved name that was good when it began, however long it lasts (what was told to
 * its own process may come behind its first flow, and then replaces what others were told). Bound:
 * NAMES_CONNECTIONS_MAX claims, and as many connections with a resolved name (64 bytes each): the one that
 * moved bytes longest ago is forgotten first, and has no name in the windows that follow. For answers see
 * answers.h.
 */
#ifndef FEMTOSNITCH_STORE_NAMES_H
#define FEMTOSNITCH_STORE_NAMES_H

#include "store/answers.h"

#define NAMES_CONNECTIONS_MAX 16384

struct names;
struct names *names_new(struct images *); /* kept, not copied. NULL: no memory */
void names_free(struct names *);

int names_add(struct names *, const struct wire_name *); /* a checked one. 0 or -ENOMEM */

/* Borrowed until the next call. NULL: none. */
struct names_of {
	struct name *claim, *resolved;
};

/* A connection, as a flow tells it. */
struct names_connection {
	struct answers_ask ask;
	uint64_t cookie; /* 0: it has none, and nothing is kept of it */
	uint16_t rport;
	uint64_t id;   /* of the connection: a socket, its user and its peer */
	bool incoming; /* then what a client claims is our own name */
	bool begins;   /* it was not seen before */
	bool ends;
};

/* True: "Log ignore" may match the resolved name. Not what a program claims, nor what anybody may have told
 * it: see answers_vouch(). */
bool names_find(struct names *, const struct names_connection *, struct names_of *);

/* Was this one told to the process itself? Then no better one will come; NULL: no. */
bool names_is_own(const struct name *resolved);

/* The names above as they stand in keys: with references of their own. */
void names_ref(const struct names_of *);
void names_unref(struct names *, const struct names_of *);

/* The one to show, and the resolved one where it says something else; either may be NULL. */
struct name *names_best(const struct names_of *);
struct name *names_other(const struct names_of *);

/* A window is over: connections that ended in the one before are forgotten. */
void names_window(struct names *);

#endif
