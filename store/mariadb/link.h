/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link.h - the driver for MariaDB and MySQL, through MariaDB's connector. It only ever INSERTs, and reads the
 * comment of its table.
 */
#ifndef FEMTOSNITCH_STORE_MARIADB_LINK_H
#define FEMTOSNITCH_STORE_MARIADB_LINK_H

#include "store/driver.h"

/* Of the table of flows, followed by the version of the layout. */
#define LINK_COMMENT "femtosnitch, layout "

extern const struct driver mariadb_driver;

#endif
