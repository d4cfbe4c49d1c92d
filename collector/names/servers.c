// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/names/servers.h"

#include <stdlib.h>
#include <string.h>

#include "collector/names/lines.h"

struct server {
	int family;
	uint8_t addr[WIRE_ADDR_SIZE];
};

struct list {
	struct server server[SERVERS_MAX];
	unsigned n;
};

struct servers {
	uint32_t netns;
	struct list list[WIRE_HOSTS__MAX];
	struct list next; /* the file that is being read */
	struct lines lines;
};

struct servers *servers_new(void)
{
	return calloc(1, sizeof(struct servers));
}

void servers_free(struct servers *s)
{
	free(s);
}

/* The interface of a link-local address (fe80::1%eth0) is left out: a socket's peer is not told with it. */
static void take_line(void *arg, char *line)
{
	struct list *next = &((struct servers *)arg)->next;
	char *rest, *word = strtok_r(line, LINES_BLANKS, &rest);
	struct server *server = &next->server[next->n];

	if (!word || strcmp(word, "nameserver") != 0 || next->n == SERVERS_MAX)
		return;
	word = strtok_r(NULL, LINES_BLANKS "%", &rest);
	if (word && (server->family = lines_address(word, server->addr)))
		next->n++;
}

void servers_piece(struct servers *s, const struct wire_hosts *piece, const char *text)
{
	if (piece->flags & WIRE_HOSTS_FIRST)
		s->next.n = 0;
	lines_piece(&s->lines, piece, text, take_line, s);
	if (!(piece->flags & WIRE_HOSTS_LAST))
		return;
	s->netns = piece->netns;
	s->list[piece->file] = s->next;
}

bool servers_answered(const struct servers *s, const struct wire_payload *p)
{
	if (p->netns != s->netns)
		return false;
	for (unsigned file = 0; file < WIRE_HOSTS__MAX; file++)
		for (unsigned i = 0; i < s->list[file].n; i++) {
			const struct server *server = &s->list[file].server[i];

			if (server->family == p->family &&
			    memcmp(server->addr, p->raddr, WIRE_ADDR_SIZE) == 0)
				return true;
		}
	return false;
}
