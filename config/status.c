// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * status.c - see status.h.
 */
#include "config/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/utf8.h"
#include "config/wire_check.h"

/* Proportional set size in KiB, 0 when it cannot be read. */
static unsigned long memory_kib(pid_t pid)
{
	char path[48], line[128];
	unsigned long kib = 0;
	FILE *f;

	if (!pid)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f) && sscanf(line, "Pss: %lu", &kib) != 1)
		;
	fclose(f);
	return kib;
}

static void print_path(FILE *f, const char *key, const char *path)
{
	char shown[OPTIONS_PATH_MAX];

	utf8_escape(shown, sizeof(shown), path, strlen(path));
	fprintf(f, "%s: %s\n", key, shown);
}

static void print_stages(const struct status *s, FILE *f)
{
	unsigned long kib = memory_kib(getpid()), total = kib;
	unsigned stage;
	size_t sink;

	fprintf(f, "memory supervisor KiB: %lu\n", kib);
	for (stage = WIRE_STAGE_COLLECTOR; stage < WIRE_CHAIN_END; stage++) {
		if (s->chain.pid[stage] == 0)
			continue;
		kib = memory_kib(s->chain.pid[stage]);
		total += kib;
		fprintf(f, "stage %s: pid %d%s\n", wire_stage_name(stage), (int)s->chain.pid[stage],
			s->report.coverage[stage] ? ", ready" : ", starting");
		fprintf(f, "memory %s KiB: %lu\n", wire_stage_name(stage), kib);
	}
	for (sink = 0; sink < SINKS_MAX; sink++)
		total += memory_kib(sinks_pid(s->sinks, sink));
	fprintf(f, "memory KiB: %lu\n", total);
}

char *status_text(const struct status *s)
{
	static const char *const states[] = {"starting", "running", "stopping"};
	char since[32] = "", *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	struct tm tm;

	if (!f)
		return NULL;
	if (gmtime_r(&s->since, &tm))
		strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%SZ", &tm);
	fprintf(f, "state: %s\npid: %d\nsince: %s\nversion: %s\n", states[s->state], (int)getpid(), since,
		VERSION);
	print_path(f, "config", s->options->config);
	print_path(f, "state directory", s->options->state_dir);
	fprintf(f, "settings generation: %u\n", s->generation);
	if (s->refused)
		fprintf(f, "settings refused: config.json as it is now; check-config says why\n");
	print_stages(s, f);
	sinks_print(s->sinks, f);
	report_print(&s->report, f);
	fclose(f);
	return text;
}
