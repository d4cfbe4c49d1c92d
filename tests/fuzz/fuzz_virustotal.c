// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_virustotal.c - any bytes as an answer of VirusTotal: a verdict is only ever made of numbers, and a
 * file goes nowhere but to the house that was asked.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/utf8.h"
#include "store/virustotal/ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char base[] = "https://www.virustotal.com/api/v3", there[] = "https://";
	const char *json = (const char *)data;
	struct ask_answer a = {0};
	char url[ASK_URL_MAX], *to;

	if (ask_report(json, size, &a) == 0 &&
	    (a.verdict >= WIRE_VERDICT_UPLOADED ||
	     utf8_valid_until(a.detail, strlen(a.detail)) != strlen(a.detail)))
		abort();
	if (!ask_text(json, size, url, sizeof(url)))
		return 0;
	to = http_same_house(base, url);
	if (to && (strncmp(to, there, strlen(there)) != 0 || !strcasestr(to, "virustotal.com")))
		abort();
	free(to);
	return 0;
}
