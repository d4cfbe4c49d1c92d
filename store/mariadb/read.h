/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * read.h - reads a copy on a MariaDB or MySQL server, for `verify`.
 */
#ifndef FEMTOSNITCH_STORE_MARIADB_READ_H
#define FEMTOSNITCH_STORE_MARIADB_READ_H

#include "store/reader.h"

extern const struct reader mariadb_reader;

#endif
