// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - femtosnitch-postgres: the copy of the log on a PostgreSQL server (store/copier.h); and
 * `pg-schema`, which prints what it needs there, and `verify --remote`.
 */
#include <string.h>

#include "config/log.h"
#include "store/copier.h"
#include "store/postgres/ddl.h"
#include "store/postgres/link.h"
#include "store/postgres/read.h"
#include "store/verify/check.h"

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "pg-schema") == 0) {
		log_open("femtosnitch", 0);
		return ddl_command(argc - 1, argv + 1);
	}
	if (argc > 1 && strcmp(argv[1], "verify") == 0) {
		log_open("femtosnitch", 0);
		return check_command(&postgres_reader, argc - 1, argv + 1);
	}
	return copier_run(&postgres_driver, argc, argv);
}
