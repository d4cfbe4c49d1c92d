// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_settings.c - any bytes as config.json. What is refused says why, in printable lines; what is accepted
 * means the same after its comments were taken out, which is how the stages get it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "config/settings.h"
#include "config/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned refusals;

static void check_line(void *arg, const char *line)
{
	(void)arg;
	refusals++;
	if (strpbrk(line, "\n\r\033") || utf8_valid_until(line, strlen(line)) != strlen(line))
		abort();
}

static void check_notice(void *arg, const char *line)
{
	unsigned before = refusals;

	check_line(arg, line);
	refusals = before;
}

static void check_same(const struct settings *a, const char *text, size_t len)
{
	size_t stripped_len, i;
	char *stripped = settings_strip(text, len, &stripped_len), rule[512];
	static const uint8_t zero[32];
	struct settings b;

	if (!stripped || stripped_len > len ||
	    settings_parse(&b, "stripped", stripped, stripped_len, check_line, NULL, NULL) != 0)
		abort();
	if (a->n_ignore != b.n_ignore || a->write_limit_s != b.write_limit_s || a->sql_log != b.sql_log ||
	    strcmp(a->sql_server, b.sql_server) != 0 || strcmp(a->vt_api_key, b.vt_api_key) != 0)
		abort();
	for (i = 0; i < a->n_ignore; i++)
		if (settings_rule_text(&a->ignore[i], rule, sizeof(rule)) <= 0)
			abort();
	settings_ignored(a, AF_INET6, zero, zero, 1, 2, zero, "www.example.com");
	settings_free(&b);
	free(stripped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of just that size: the byte behind it belongs to nobody. */
	char *text = malloc(size ? size : 1);
	struct settings s;

	memcpy(text, data, size);
	refusals = 0;
	if (settings_parse(&s, "fuzz", text, size, check_line, check_notice, NULL) == 0) {
		if (refusals)
			abort();
		check_same(&s, text, size);
		settings_free(&s);
	} else if (!refusals) {
		abort();
	}
	free(text);
	return 0;
}
