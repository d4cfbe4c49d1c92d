/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * intake.h - records become what is kept: identities go to the table of images, traffic to the batch, after
 * the settings had their say (ignored, addresses, ports, commands). No I/O.
 */
#ifndef FEMTOSNITCH_STORE_INTAKE_H
#define FEMTOSNITCH_STORE_INTAKE_H

#include "config/settings.h"
#include "store/batch.h"
#include "store/changes.h"
#include "store/lookups.h"
#include "store/losses.h"
#include "store/names.h"
#include "store/seen.h"

#define INTAKE_WAIT_S 60 /* for a hash that "Log ignore" asks for */

struct intake {
	const struct settings *settings;
	struct programs *programs;
	struct places *places;
	struct images *images;
	struct names *names;
	struct batch *batch;
	struct batch *waiting; /* traffic of programs whose hash decides whether it is kept */
	struct seen *seen;
	struct losses *losses;
	struct changes *changes;
	struct lookups *lookups; /* the owner's; NULL: nobody looks up */
};

int intake_open(struct intake *, const struct settings *); /* 0 or -ENOMEM; settings are kept, not copied */
void intake_close(struct intake *);

int intake_place(struct intake *, const struct wire_place *); /* 0 or -ENOMEM */
/* known: that it was executed is in snitch.db already. 0 or -ENOMEM */
int intake_image(struct intake *, const struct wire_image *, int64_t now_s, bool known);

/* What finds no room is counted as a loss. */
void intake_flow(struct intake *, const struct wire_flow *, wire_ns now);

/* A checked name of somebody's peer. 0 or -ENOMEM */
int intake_told(struct intake *, const struct wire_name *);

/* The batch is about to be written: traffic whose name came behind it gets it now. */
void intake_name(struct intake *);

/* A window is over: forget who ended long ago, decide about traffic that waited. */
void intake_window(struct intake *, wire_ns now);

/* Move what waits to the batch, hash or not. */
void intake_settle(struct intake *, wire_ns now, int all);

/* Count it here, in the name of this stage. */
void intake_loss(struct intake *, enum wire_loss_kind, wire_ns from, wire_ns to, uint64_t records,
		 uint64_t bytes, const char *detail);

#endif
