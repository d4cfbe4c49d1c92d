// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_notice.c - any bytes as what femtosnitch-notify reads: nothing of it is markup on the screen, moves a
 * cursor, or is no UTF-8, which D-Bus would not take.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/utf8.h"
#include "store/notify/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text, bool body)
{
	size_t i, len = strlen(text);

	if (utf8_valid_until(text, len) != len)
		abort();
	for (i = 0; i < len; i++)
		if (((unsigned char)text[i] < 0x20 && !(body && text[i] == '\n')) ||
		    (body && strchr("<>", text[i])))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct notice n;
	struct words w;
	int i;

	if (!notice_parse(&n, (const char *)data, size))
		return 0;
	for (i = 0; i < 4; i++) {
		if (i & 2)
			words_of_rest(&w, &(struct words_rest){.count = 2, .names = n.text ? n.text : ""},
				      i & 1);
		else
			words_of(&w, &n, 2, i & 1);
		check(w.title, false);
		check(w.body, true);
		words_free(&w);
	}
	notice_free(&n);
	return 0;
}
