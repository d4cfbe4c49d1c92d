/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * adopt.h - a collector that takes over from the run before, and leaves all it has to the next. Maps,
 * programs, links and the journal are kept by the service manager while we do not run (config/fdstore.h);
 * each has a name with a fingerprint in it. Another program, other settings of the programs, or anything
 * missing: nothing is taken over, and the kernel drops what the run before had once the manager lets go of
 * it.
 */
#ifndef FEMTOSNITCH_ADOPT_H
#define FEMTOSNITCH_ADOPT_H

#include "collector/clock.h"
#include "collector/hold.h"
#include "collector/journal.h"
#include "collector/load.h"

/* What the next run must know, in the notes of the journal. */
struct notes {
	uint64_t fingerprint;
	uint32_t held;	   /* how many descriptors belong to it, the journal's aside */
	uint32_t starting; /* somebody took over and was not ready since: it may have died of it */
	struct load_report report;
	struct clock clock;
	wire_ns window_from;	   /* of the window that was open */
	struct wire_image_key own; /* the collector: its traffic is no traffic */
};

_Static_assert(sizeof(struct notes) <= JOURNAL_NOTES, "notes");

struct notes *adopt_notes(struct journal *);

/* Take what came over sock, if it fits what would be loaded otherwise: the journal, and all else in hold.
 * NULL: there is nothing to take over. */
struct journal *adopt_take(int sock, const struct load_wish *, struct hold *hold);

/* Hand everything over, instead of what was there before. Without a journal: nothing is to be kept. 0 or
 * -errno. */
int adopt_leave(int sock, const struct load_wish *, const struct hold *hold, struct journal *);

/* Hand over those of hold from the one numbered from on, beside what was. 0 or -errno. */
int adopt_leave_more(int sock, const struct hold *hold, unsigned from, struct journal *);

#endif
