// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * store_flows.c - how fast the real femtosnitch-store takes flows, everything on: rows, rollups, interning.
 *
 * Three loads: "same" (the same 2,000 connections in each window: rows merge in the rollups), "mixed" (each
 * window 20,000 new local ports to 2,000 peers of 50 programs: a busy machine), "new" (each flow has an
 * address never seen before: the worst there is). Usage: store_flows BUILDDIR [seconds per load] [directory]
 */
#include <sys/resource.h>

#include "tests/unit/store/feed.h"

#define WINDOW_FLOWS 20000
#define PROGRAMS 50

struct load {
	const char *name;
	uint32_t lports, peers;
};

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double cpu_s(pid_t pid)
{
	char path[64], text[1024] = "";
	unsigned long utime = 0, stime = 0;
	FILE *file;
	char *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file || !fgets(text, sizeof(text), file) || !(end = strrchr(text, ')')))
		feed_die("no %s", path);
	fclose(file);
	sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &utime, &stime);
	return (double)(utime + stime) / (double)sysconf(_SC_CLK_TCK);
}

static long pss_kib(pid_t pid)
{
	char path[64], line[256];
	long kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Pss: %ld", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

static void put_flow(struct feed *f, const struct load *l, uint64_t n, uint64_t at_s)
{
	uint32_t peer = l->peers ? (uint32_t)(n % l->peers) : (uint32_t)n;
	uint32_t local = l->lports ? (uint32_t)(n % l->lports) : (uint32_t)n;
	struct wire_flow flow = feed_tcp(1 + (unsigned)(n % PROGRAMS), 0, 443, 1000 + n % 7, 5000);

	flow.first_ns = flow.last_ns = at_s * FEED_NS;
	flow.lport = (uint16_t)(1024 + local % 60000);
	flow.raddr[0] = (uint8_t)(11 + (peer >> 24));
	flow.raddr[1] = (uint8_t)(peer >> 16);
	flow.raddr[2] = (uint8_t)(peer >> 8);
	flow.raddr[3] = (uint8_t)peer;
	flow.cookie = l->lports ? local + 1 : n + 1;
	feed_flow(f, &flow);
}

/* As the other benchmarks print theirs. */
static void line(const char *load, const char *what, double value, const char *format, const char *budget)
{
	char name[80], text[32];

	snprintf(name, sizeof(name), "store, %s: %s", load, what);
	snprintf(text, sizeof(text), format, value);
	printf("%-52s %14s %14s\n", name, text, budget);
}

static void run(const struct load *l, double seconds, const char *dir)
{
	struct feed f;
	uint64_t flows = 0, windows = 0, worst_us = 0, i;
	struct timespec second = {.tv_sec = 1};
	double start, took, cpu;
	unsigned p;
	char exe[64];

	feed_start(&f, dir, FEED_DEFAULTS);
	feed_ready(&f);
	for (p = 1; p <= PROGRAMS; p++) {
		snprintf(exe, sizeof(exe), "/usr/bin/program-%s-%u", l->name, p);
		feed_program_start(&f, p, 0, exe, "x", 2, (uint8_t)p);
	}
	start = now_s();
	cpu = cpu_s(f.pid);
	do {
		for (i = 0; i < WINDOW_FLOWS; i++)
			put_flow(&f, l, flows++, FEED_T + 10 * windows);
		feed_window(&f, FEED_T + 10 * ++windows);
		if (f.commit_us > worst_us)
			worst_us = f.commit_us;
	} while (now_s() - start < seconds);
	took = now_s() - start;
	cpu = cpu_s(f.pid) - cpu;
	line(l->name, "flows/s", (double)flows / took, "%.0f", ">= 50000");
	line(l->name, "ms of CPU per 1,000 flows", cpu * 1e6 / (double)flows, "%.2f", "reported");
	line(l->name, "ms, worst commit", (double)worst_us / 1000, "%.0f", "reported");
	line(l->name, "KiB of memory (PSS) while busy", (double)pss_kib(f.pid), "%.0f", "reported");
	nanosleep(&second, NULL);
	line(l->name, "KiB of memory a second later", (double)pss_kib(f.pid), "%.0f", "<= 2300");
	fflush(stdout);
	if (feed_stop(&f) != 0)
		feed_die("the store failed");
}

static void idle(const char *dir)
{
	struct timespec second = {.tv_sec = 1};
	struct wire_flow flow;
	struct feed f;

	feed_start(&f, dir, FEED_DEFAULTS);
	feed_ready(&f);
	feed_program_start(&f, 1, 0, "/usr/bin/idle", "x", 2, 1);
	flow = feed_tcp(1, 1000, 80, 1, 1);
	feed_flow(&f, &flow);
	feed_window(&f, FEED_T + 10);
	nanosleep(&second, NULL);
	line("idle", "KiB of memory (PSS)", (double)pss_kib(f.pid), "%.0f", "<= 2300");
	feed_stop(&f);
}

int main(int argc, char **argv)
{
	static const struct load loads[] = {
		{"same", 2000, 2000},
		{"mixed", 0, 2000},
		{"new", 0, 0},
	};
	double seconds = argc > 2 ? atof(argv[2]) : 5;
	char base[PATH_MAX], dir[PATH_MAX + 16];
	size_t i;

	if (argc > 3)
		snprintf(base, sizeof(base), "%s", argv[3]);
	else
		feed_tmpdir(base);
	for (i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		snprintf(dir, sizeof(dir), "%s/%s", base, loads[i].name);
		mkdir(dir, 0750);
		run(&loads[i], seconds, dir);
	}
	snprintf(dir, sizeof(dir), "%s/idle", base);
	mkdir(dir, 0750);
	idle(dir);
	if (argc <= 3)
		feed_rmdir(base);
	return 0;
}
