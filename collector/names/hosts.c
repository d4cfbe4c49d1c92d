// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/names/hosts.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "collector/names/domain.h"

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
	char line[HOSTS_LINE]; /* that which the last piece ended in */
	size_t len;
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

/* False: no address, or that of nobody. */
static bool read_address(const char *text, struct entry *e)
{
	static const uint8_t nobody[WIRE_ADDR_SIZE];

	*e = (struct entry){.family = AF_INET};
	if (inet_pton(AF_INET, text, e->addr) != 1) {
		e->family = AF_INET6;
		if (inet_pton(AF_INET6, text, e->addr) != 1)
			return false;
	}
	return memcmp(e->addr, nobody, sizeof(nobody)) != 0;
}

static void take_line(struct hosts *h)
{
	static const char blanks[] = " \t\r\f\v";
	char text[HOSTS_LINE + 1], name[WIRE_DOMAIN_MAX], *rest, *word;
	struct entry e;

	memcpy(text, h->line, h->len);
	text[h->len] = '\0';
	text[strcspn(text, "#")] = '\0';
	h->len = 0;
	word = strtok_r(text, blanks, &rest);
	if (!word || !read_address(word, &e))
		return;
	word = strtok_r(NULL, blanks, &rest);
	if (word && domain_of_host(name, word, strlen(word)))
		take_entry(h, &e, name);
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
	if (piece->flags & WIRE_HOSTS_FIRST) {
		h->len = 0;
		for (size_t i = 0; i < h->used; i++)
			h->entry[i].seen = false;
	}
	for (size_t i = 0; i < piece->text_len; i++) {
		if (text[i] == '\n')
			take_line(h);
		else if (h->len < HOSTS_LINE)
			h->line[h->len++] = text[i];
	}
	if (piece->flags & WIRE_HOSTS_LAST) {
		take_line(h);
		forget_unseen(h);
	}
	h->now = NULL;
}
