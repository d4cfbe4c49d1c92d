// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/names/hosts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "collector/names/lines.h"
#include "config/domain.h"

struct entry {
	uint16_t family;
	uint8_t addr[WIRE_ADDR_SIZE];
	bool seen; /* in the file as it is now */
	char *name;
};

struct hosts {
	hosts_told *told;
	void *arg;
	const struct wire_hosts *now; /* the piece that is being read */
	struct entry entry[HOSTS_MAX];
	size_t used;
	struct lines lines;
};

struct hosts *hosts_new(hosts_told *told, void *arg)
{
	struct hosts *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->told = told;
	h->arg = arg;
	return h;
}

void hosts_free(struct hosts *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->used; i++)
		free(h->entry[i].name);
	free(h);
}

static void tell(struct hosts *h, const struct entry *e, uint32_t ttl_s)
{
	struct wire_name name = {.time_ns = h->now->time_ns,
				 .netns = h->now->netns,
				 .ttl_s = ttl_s,
				 .family = e->family,
				 .source = WIRE_NAME_HOSTS,
				 .flags = WIRE_NAME_SYSTEM,
				 .name_len = (__u16)(strlen(e->name) + 1)};

	memcpy(name.addr, e->addr, WIRE_ADDR_SIZE);
	h->told(h->arg, &name, e->name);
}

static struct entry *find(struct hosts *h, const struct entry *like)
{
	for (size_t i = 0; i < h->used; i++)
		if (h->entry[i].family == like->family &&
		    memcmp(h->entry[i].addr, like->addr, WIRE_ADDR_SIZE) == 0)
			return &h->entry[i];
	return NULL;
}

/* The first line of an address counts. */
static void take_entry(struct hosts *h, const struct entry *like, const char *name)
{
	struct entry *e = find(h, like);
	char *copy;

	if (e && (e->seen || strcmp(e->name, name) == 0)) {
		e->seen = true;
		return;
	}
	if ((!e && h->used == HOSTS_MAX) || !(copy = strdup(name)))
		return;
	if (!e) {
		e = &h->entry[h->used++];
		*e = *like;
	} else {
		tell(h, e, 0);
	}
	free(e->name);
	e->name = copy;
	e->seen = true;
	tell(h, e, WIRE_NAME_EVER);
}

static void take_line(void *arg, char *line)
{
	char name[WIRE_DOMAIN_MAX], *rest, *word = strtok_r(line, LINES_BLANKS, &rest);
	struct entry e = {0};

	if (!word || !(e.family = (uint16_t)lines_address(word, e.addr)))
		return;
	word = strtok_r(NULL, LINES_BLANKS, &rest);
	if (word && domain_of_host(name, word, strlen(word)))
		take_entry(arg, &e, name);
}

static void forget_unseen(struct hosts *h)
{
	for (size_t i = 0; i < h->used;) {
		struct entry *e = &h->entry[i];

		if (e->seen) {
			i++;
			continue;
		}
		tell(h, e, 0);
		free(e->name);
		*e = h->entry[--h->used];
	}
}

void hosts_piece(struct hosts *h, const struct wire_hosts *piece, const char *text)
{
	h->now = piece;
	for (size_t i = 0; i < h->used && piece->flags & WIRE_HOSTS_FIRST; i++)
		h->entry[i].seen = false;
	lines_piece(&h->lines, piece, text, take_line, h);
	if (piece->flags & WIRE_HOSTS_LAST)
		forget_unseen(h);
	h->now = NULL;
}
