/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vector.h - recorded bytes, which are the fuzzers' corpus too, and copies of just their size, so that a
 * sanitizer sees whoever reads past them. Everything static: each test is one file.
 */
#ifndef FEMTOSNITCH_TESTS_NAMES_VECTOR_H
#define FEMTOSNITCH_TESTS_NAMES_VECTOR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CORPUS "tests/fuzz/corpus/"

struct vector {
	uint8_t bytes[65536];
	size_t len;
};

static inline void load(struct vector *v, const char *name)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s%s", CORPUS, name);
	f = fopen(path, "r");
	if (!f)
		fail_msg("no %s: run from the top of the tree", path);
	v->len = fread(v->bytes, 1, sizeof(v->bytes), f);
	fclose(f);
	assert_true(v->len > 0);
}

static inline uint8_t *exactly(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	return copy;
}

#endif
