/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link.h - the connection to a PostgreSQL server, as the copy wants it. Flows go by COPY in binary,
 * everything else as arrays that are put in where they are not there yet; with no right but to insert.
 */
#ifndef FEMTOSNITCH_STORE_POSTGRES_LINK_H
#define FEMTOSNITCH_STORE_POSTGRES_LINK_H

#include "store/driver.h"

extern const struct driver postgres_driver;

#endif
