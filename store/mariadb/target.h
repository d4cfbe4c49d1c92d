/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * target.h - where the copy goes: "DB sql server" of config.json, in the words of pymysql and of MariaDB's
 * connector.
 */
#ifndef FEMTOSNITCH_STORE_MARIADB_TARGET_H
#define FEMTOSNITCH_STORE_MARIADB_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#define TARGET_TABLE "connection_log"
#define TARGET_TABLE_SIZE 53 /* of 64 that a server takes, so that "_connections" fits behind it */

struct target {
	char *host, *user, *password, *database, *unix_socket; /* owned, as below; NULL = not said */
	char *ssl_ca, *ssl_cert, *ssl_key;
	unsigned port;
	char table[TARGET_TABLE_SIZE];
	bool near;     /* the connection stays on this machine */
	bool verify;   /* whose certificate it is */
	char why[256]; /* what is wrong, or how TLS is relaxed ("" = it is not) */
};

/* 0; -EINVAL: why says what is wrong (never a password); -ENOMEM. */
int target_parse(struct target *, const char *json);
void target_free(struct target *); /* of a zeroed or filled one */

/* False: no name of a table. */
bool target_set_table(struct target *, const char *name);

#endif
