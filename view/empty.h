/* SPDX-License-Identifier: GPL-2.0-or-later */
/* empty.h - says why an answer is empty: silence would read as "nothing happened". */
#ifndef FEMTOSNITCH_VIEW_EMPTY_H
#define FEMTOSNITCH_VIEW_EMPTY_H

#include "view/query.h"

/* What explains that q had no rows, through log_warnx(): one or a few lines. */
void empty_explain(sqlite3 *db, const struct query *q, const char *state_dir, int64_t now);

/* "how to start" for a daemon that logs to state_dir, into text of size bytes; returns text. */
const char *empty_start_hint(const char *state_dir, char *text, size_t size);

#endif
