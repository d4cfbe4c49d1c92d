/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ddl.h - `mysql-schema`: the SQL that an administrator runs to make the tables, the view and the roles. The
 * daemon runs none of it.
 */
#ifndef FEMTOSNITCH_STORE_MARIADB_DDL_H
#define FEMTOSNITCH_STORE_MARIADB_DDL_H

int ddl_command(int argc, char **argv); /* the exit code */

#endif
