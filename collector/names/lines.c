// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/names/lines.h"

#include <arpa/inet.h>
#include <string.h>

static void take_line(struct lines *l, lines_taken *taken, void *arg)
{
	l->line[l->len] = '\0';
	l->len = 0;
	l->line[strcspn(l->line, "#")] = '\0';
	taken(arg, l->line);
}

void lines_piece(struct lines *l, const struct wire_hosts *piece, const char *text, lines_taken *taken,
		 void *arg)
{
	if (piece->flags & WIRE_HOSTS_FIRST)
		l->len = 0;
	for (size_t i = 0; i < piece->text_len; i++) {
		if (text[i] == '\n')
			take_line(l, taken, arg);
		else if (l->len < LINES_MAX)
			l->line[l->len++] = text[i];
	}
	if (piece->flags & WIRE_HOSTS_LAST)
		take_line(l, taken, arg);
}

int lines_address(const char *text, uint8_t addr[WIRE_ADDR_SIZE])
{
	static const uint8_t nobody[WIRE_ADDR_SIZE];
	int family = AF_INET;

	memset(addr, 0, WIRE_ADDR_SIZE);
	if (inet_pton(AF_INET, text, addr) != 1) {
		family = AF_INET6;
		if (inet_pton(AF_INET6, text, addr) != 1)
			return 0;
	}
	return memcmp(addr, nobody, sizeof(nobody)) != 0 ? family : 0;
}
