// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - femtosnitch-verify: `verify`, without the library of any server.
 */
#include <string.h>

#include "config/log.h"
#include "store/verify/check.h"

int main(int argc, char **argv)
{
	log_open("femtosnitch", 0);
	if (argc > 1 && strcmp(argv[1], "verify") == 0) /* as `femtosnitch` calls us */
		argc--, argv++;
	return check_command(NULL, argc, argv);
}
