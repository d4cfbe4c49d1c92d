/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connection.h - a connection to where a target says, with the certificate that it demands.
 */
#ifndef FEMTOSNITCH_STORE_MARIADB_CONNECTION_H
#define FEMTOSNITCH_STORE_MARIADB_CONNECTION_H

#include <mysql.h>
#include <stdbool.h>

#include "store/mariadb/target.h"

/* answer_s: how long the server may take for one. False: *conn is NULL (no memory), or mysql_error() says
 * why. The caller closes *conn either way. */
bool connection_open(MYSQL **conn, const struct target *, unsigned answer_s);

#endif
