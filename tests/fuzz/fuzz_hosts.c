// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_hosts.c - any bytes as hosts(5), in pieces of any size. Each name that comes out is one that the wire
 * takes; the size of the pieces makes no difference, a file that stays the same says nothing, and an empty
 * one takes all back.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/names/hosts.h"
#include "config/wire_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told {
	uint64_t digest; /* of what was said */
	unsigned names, taken_back;
};

static void add(struct told *t, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len-- > 0)
		t->digest = (t->digest ^ *p++) * 0x100000001b3u;
}

static void note(void *arg, const struct wire_name *w, const char *text)
{
	struct wire_hdr hdr = {.version = WIRE_VERSION, .type = WIRE_NAME};
	struct {
		struct wire_name head;
		char text[WIRE_DOMAIN_MAX];
	} name = {.head = *w};
	struct told *t = arg;

	if (w->name_len > WIRE_DOMAIN_MAX)
		abort();
	memcpy(name.text, text, w->name_len);
	hdr.len = (__u32)(sizeof(name.head) + w->name_len);
	if (wire_check(&hdr, &name))
		abort();
	add(t, &name, hdr.len);
	t->names += w->ttl_s != 0;
	t->taken_back += w->ttl_s == 0;
}

static void read_file(struct hosts *h, const uint8_t *data, size_t size, size_t piece)
{
	size_t at = 0;

	do {
		struct wire_hosts head = {.flags = at == 0 ? WIRE_HOSTS_FIRST : 0};
		char *copy; /* of just that size */

		head.text_len = (__u32)(size - at < piece ? size - at : piece);
		if (at + head.text_len == size)
			head.flags |= WIRE_HOSTS_LAST;
		copy = malloc(head.text_len);
		if (head.text_len)
			memcpy(copy, data + at, head.text_len);
		hosts_piece(h, &head, copy);
		free(copy);
		at += piece;
	} while (at < size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct told whole = {0}, parts = {0};
	struct hosts *a = hosts_new(note, &whole), *b = hosts_new(note, &parts);
	unsigned names;

	if (!a || !b)
		abort();
	read_file(a, data, size, size + 1);
	read_file(b, data, size, 1 + size % 7);
	if (whole.digest != parts.digest || whole.taken_back)
		abort();
	names = whole.names;
	read_file(a, data, size, 3);
	if (whole.names != names || whole.taken_back)
		abort();
	read_file(a, data, 0, 1);
	if (whole.taken_back != names)
		abort();
	hosts_free(a);
	hosts_free(b);
	return 0;
}
