/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record.h - picosnitch's list of known programs (record.json of version 1, state.json of version 2): which
 * paths and names it has told of, with their SHA-256 and what VirusTotal said. They become known here.
 */
#ifndef FEMTOSNITCH_STORE_IMPORT_RECORD_H
#define FEMTOSNITCH_STORE_IMPORT_RECORD_H

#include "store/import/take.h"

/* Of one path: so many names and contents together; what is beyond is said. */
#define RECORD_PROGRAMS_MAX 1024

/* 0, or -errno after a message. */
int record_take(struct take *, const struct foreign *);

#endif
