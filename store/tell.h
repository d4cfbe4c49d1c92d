/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tell.h - what is worth saying to people: a program that uses the network for the first time, or with
 * another content, a program that is seen to start such a one for the first time, errors and losses. Each
 * becomes a row of the table event, and a line of exe.log (those about programs) in any case; whether the
 * desktop is told is decided here, once.
 *
 * Errors and losses wait in memory until there is a transaction: TELL_WAITING at most, each text once in
 * TELL_DAY_S; what does not fit is in error.log and in the view losses all the same.
 */
#ifndef FEMTOSNITCH_STORE_TELL_H
#define FEMTOSNITCH_STORE_TELL_H

#include <stdbool.h>
#include <stdint.h>

#include "config/settings.h"
#include "store/programs.h"
#include "store/sqlite.h"
#include "store/textlog.h"

#define TELL_WAITING 32
#define TELL_DAY_S 86400

struct tell;
/* NULL: no memory. settings are kept, not copied. dir: of exe.log. */
struct tell *tell_new(const struct settings *, const char *dir);
void tell_free(struct tell *);

/* After snitch.db was opened. At the first start of all, programs that ran before us are taken as known until
 * tell_introduce() has said so. */
void tell_look(struct tell *, struct sqlite *);
bool tell_introduced(const struct tell *);

/* Was a program told since the last call? Then record.json is to be written. */
bool tell_news(struct tell *);

/* A message of a stage, or a loss, for an event. */
void tell_message(struct tell *, int kind, int64_t now_s, const char *text, size_t len);
bool tell_waits(const struct tell *);

/* ---- inside the caller's transaction; 0 or -errno */
int tell_program(struct tell *, struct sqlite *, const struct program *); /* its row is there */
int tell_known(struct sqlite *, int64_t program_id);			  /* it is acknowledged */
/* Another log knew it before us, since first_network_s and first_parent_s: it is acknowledged, and nobody is
 * told. */
int tell_old(struct sqlite *, const struct program *);
/* ...and what it was told of a content, unless we know better; detail is clean text. */
int tell_old_verdict(struct sqlite *, const struct wire_verdict *, const char *detail);
int tell_write(struct tell *, struct sqlite *);				  /* what waits */
int tell_introduce(struct tell *, struct sqlite *, int64_t now_s, uint64_t programs, uint64_t network);
int tell_verdict(struct tell *, struct sqlite *, const struct wire_verdict *);

/* ---- behind it */
int64_t tell_committed(struct tell *, struct sqlite *); /* the last event of it, 0 = there was none */
void tell_undone(struct tell *);

#endif
