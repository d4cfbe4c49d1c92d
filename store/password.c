// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * password.c - see password.h.
 */
#include "store/password.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int password_read(const char *path, char text[PASSWORD_SIZE], char *why, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f) {
		snprintf(why, size, "password_file %.100s: %s", path, strerror(errno));
		return -EINVAL;
	}
	n = fread(text, 1, PASSWORD_SIZE - 1, f);
	fclose(f);
	text[n] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	return 0;
}
