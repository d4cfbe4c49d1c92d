/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check.h - `verify`: was the log changed since it was written? For whoever may read it. Needs no privileges,
 * changes nothing. Of a copy too: that is done by the program of the sink, which alone maps its client
 * library.
 */
#ifndef FEMTOSNITCH_STORE_VERIFY_CHECK_H
#define FEMTOSNITCH_STORE_VERIFY_CHECK_H

#include "store/reader.h"

/* argv[0] is not looked at; reader: NULL = none, another program is started when one is needed. The exit
 * code: 0 whole, 1 broken or not readable, 2 wrong usage. */
int check_command(const struct reader *, int argc, char **argv);

#endif
