// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_toml.c - any bytes as a config.toml of picosnitch: what is refused says why, what is translated is
 * JSON.
 */
#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/import/translate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void heard(void *arg, const char *line)
{
	unsigned *lines = arg;

	*lines += line[0] != '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of just that size: the byte behind it belongs to nobody. */
	char *text = malloc(size ? size : 1), *out;
	unsigned lines = 0;
	cJSON *json;

	memcpy(text, data, size);
	out = translate("fuzz", text, size, heard, &lines);
	if (out) {
		if (!(json = cJSON_Parse(out)))
			abort();
		cJSON_Delete(json);
	} else if (!lines) {
		abort();
	}
	free(out);
	free(text);
	return 0;
}
