/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * changes.h - a known path that holds other bytes than before. What ran is compared with what was known at
 * its path (table location: the paths of programs that used the network, and of their parents; in a container
 * they are its own), as soon as its SHA-256 is there and it was said which package brought it; each
 * difference is a row of table change, written at once. So is, a moment later, the notice that a known file
 * was written to or another was put in its place, before it ever runs: who did that may be told behind it.
 *
 * Changes that a package explains belong together, as one event, when their files were put in place within
 * CHANGES_RUN_S of each other; so do modifications by one process, and what they turn out to be.
 *
 * Bound: CHANGES_MAX executions that wait; past that the oldest is compared without its package. Nobody is
 * asked about the same version at the same place twice in a row.
 */
#ifndef FEMTOSNITCH_STORE_CHANGES_H
#define FEMTOSNITCH_STORE_CHANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/wire.h"
#include "store/images.h"
#include "store/sqlite.h"

#define CHANGES_MAX 8192
#define CHANGES_WAIT_S 40 /* for the package; while one is being installed the hasher takes up to 20 */
#define CHANGES_RUN_S 600
#define CHANGES_WRITER_S 1 /* for the record of who wrote */

struct changes;
struct changes *changes_new(struct images *); /* borrows them; NULL: no memory */
void changes_free(struct changes *);

/* Checked records. place: where the image runs, NULL = unknown. 0 or -ENOMEM. */
int changes_image(struct changes *, const struct wire_image *, const struct place *, int64_t now_s);
void changes_digest(struct changes *, const struct wire_digest *);
void changes_package(struct changes *, const struct wire_package *);
int changes_modified(struct changes *, const struct wire_changed *, int64_t now_s);

bool changes_due(const struct changes *, int64_t now_s); /* can anything be compared? */
bool changes_wait(const struct changes *);		 /* will something be due, with time? */

/* Compare what is due, in a transaction of its own if there is something to write. 0, or -errno: nothing was
 * written and all of it waits. */
int changes_write(struct changes *, struct sqlite *, int64_t now_s);

/* In somebody's transaction: the path of an image that has a row is known from now on. 0 or -errno. */
int changes_know(struct sqlite *, const struct image *, int64_t now_s);

#endif
