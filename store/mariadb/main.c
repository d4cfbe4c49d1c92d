// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - femtosnitch-mariadb: the copy of the log on a MariaDB or MySQL server (store/copier.h); and
 * `mysql-schema`, which prints what it needs there, and `verify --remote`.
 */
#include <string.h>

#include "config/log.h"
#include "store/copier.h"
#include "store/mariadb/ddl.h"
#include "store/mariadb/link.h"
#include "store/mariadb/read.h"
#include "store/verify/check.h"

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "mysql-schema") == 0) {
		log_open("femtosnitch", 0);
		return ddl_command(argc - 1, argv + 1);
	}
	if (argc > 1 && strcmp(argv[1], "verify") == 0) {
		log_open("femtosnitch", 0);
		return check_command(&mariadb_reader, argc - 1, argv + 1);
	}
	return copier_run(&mariadb_driver, argc, argv);
}
