// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * line.c - see line.h.
 */
#include "hasher/line.h"

#include <stdbool.h>
#include <string.h>

char *line_next(FILE *file, struct line *line)
{
	bool cut = false, whole;
	char *end;

	while (fgets(line->text, sizeof(line->text), file)) {
		end = strchr(line->text, '\n');
		whole = end || feof(file);
		if (end)
			*end = '\0';
		if (whole && !cut)
			return line->text;
		cut = !whole;
	}
	return NULL;
}
