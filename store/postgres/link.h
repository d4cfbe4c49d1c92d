/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link.h - the connection: one batch of rows is one transaction and one round trip (a pipeline of libpq).
 * While the server works on it, the next can be made.
 */
#ifndef FEMTOSNITCH_STORE_POSTGRES_LINK_H
#define FEMTOSNITCH_STORE_POSTGRES_LINK_H

#include <stdint.h>

#include "store/content.h"
#include "store/postgres/arrays.h"
#include "store/postgres/layout.h"
#include "store/postgres/target.h"

struct link_rows {
	struct array
		column[LAYOUT_COLUMNS_MAX]; /* those of the layout that are not constant, at its places */
	uint32_t n;
};

struct link_batch {
	char host_id[37], log_id[37]; /* as uuid */
	char host[65];
	struct link_rows rows[LAYOUT__MAX];
};

struct link;
struct link *link_new(void); /* NULL: no memory */
void link_free(struct link *);

/* All return 0 or -errno and then link_why() says what is wrong; the connection is closed then. -EPERM: the
 * server answered, and will answer the same until somebody does something there. */
int link_open(struct link *, const struct target *);
int link_send(struct link *, const struct link_batch *);
int link_finish(struct link *, uint32_t inserted[LAYOUT__MAX]); /* of the batch that was sent */

void link_close(struct link *);
bool link_is_open(const struct link *);
const char *link_why(const struct link *); /* one line */

#endif
