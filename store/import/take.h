/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * take.h - writes into snitch.db what another log tells, through the same code as what we saw ourselves:
 * interned, summed up, chained, kept as long as "DB retention (days)" says and copied. Programs become known;
 * nobody is told about them. Some thousand rows are a transaction and a window of the chain.
 *
 * The settings have their say: what "Log ignore" names is left out, addresses, ports and command lines are
 * blanked where they are switched off.
 */
#ifndef FEMTOSNITCH_STORE_IMPORT_TAKE_H
#define FEMTOSNITCH_STORE_IMPORT_TAKE_H

#include "config/settings.h"
#include "store/import/rows.h"
#include "store/programs.h"

struct take_counts {
	uint64_t rows, imported, already, old, future, ignored, bad, cut, no_domain;
	const char *why_bad; /* of the last one */
};

struct take;
/* Opens snitch.db of state_dir, makes it, or brings it up to date. The settings are kept, not copied. NULL
 * after a message. */
struct take *take_open(const char *state_dir, const struct settings *);
void take_close(struct take *);

/* One row; it may wait for others. 0, or -errno after a message. */
int take_row(struct take *, const struct rows_row *);

/* A program that another log knew. sha256 NULL: none is known. network, parent: since when it uses the
 * network, starts who does; 0 = not known to. */
int take_program(struct take *, const char *exe, const char *name, const uint8_t sha256[WIRE_SHA256_SIZE],
		 int64_t network_s, int64_t parent_s);
int take_verdict(struct take *, const struct wire_verdict *, const char *detail);

/* Write what waits. */
int take_flush(struct take *);

/* Of the rows since the last call. */
struct take_counts take_count(struct take *);

#endif
