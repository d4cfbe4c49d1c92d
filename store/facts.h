/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * facts.h - which facts (wire_resume) snitch.db has already. A run of femtosnitch that was killed leaves a
 * journal of what may not have been written; the next one sends all of it again, and here is known from where
 * on it is news. How far we got is written in the transaction that writes the facts themselves, so it is
 * neither more nor less. No I/O.
 */
#ifndef FEMTOSNITCH_STORE_FACTS_H
#define FEMTOSNITCH_STORE_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/wire.h"

struct facts {
	uint64_t journal; /* 0: they are not numbered, each is news */
	uint64_t next;	  /* number of the next that comes */
	uint64_t durable; /* of the first that snitch.db does not have */
};

/* The collector says from where on it counts. journal and durable: what snitch.db says. Returns how many
 * facts between the last and the next are neither sent again nor in snitch.db. */
uint64_t facts_resume(struct facts *, const struct wire_resume *, uint64_t journal, uint64_t durable);

/* The next fact came. True: snitch.db has it. */
bool facts_known(struct facts *);

#endif
