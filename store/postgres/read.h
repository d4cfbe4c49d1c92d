/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * read.h - reads a copy on a PostgreSQL server, for `verify`.
 */
#ifndef FEMTOSNITCH_STORE_POSTGRES_READ_H
#define FEMTOSNITCH_STORE_POSTGRES_READ_H

#include "store/reader.h"

extern const struct reader postgres_reader;

#endif
