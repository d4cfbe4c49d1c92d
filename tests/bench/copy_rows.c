// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * copy_rows.c - how fast a backlog comes to a local PostgreSQL or MariaDB server, over the one connection of
 * the copy, what a row costs either side, and what memory the sink holds meanwhile; and whether the log waits
 * for a server that hangs. Usage: copy_rows BUILDDIR [windows of 20,000 flows]
 */
#include "tests/unit/store/server_mariadb.h"
#include "tests/unit/store/server_postgres.h"

#define WINDOW_FLOWS 20000
#define PROGRAMS 50
#define HANGING_WINDOWS 20

static struct server s;
static const char *kind; /* in what is printed */

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void line(const char *what, double value, const char *budget)
{
	printf("%s: %-40s %14.0f %14s\n", kind, what, value, budget);
}

/* Of the sink, in KiB: what it shares with nobody. */
static long private_kib(void)
{
	char command[256], text[64] = "";
	FILE *file;

	snprintf(command, sizeof(command),
		 "awk '/^Private_Dirty/ { s += $2 } END { print s }' /proc/%d/smaps_rollup", s.sink.pid);
	file = popen(command, "r");
	if (file && !fgets(text, sizeof(text), file))
		text[0] = '\0';
	if (file)
		pclose(file);
	return atol(text);
}

/* Of a process and of none of its children, in seconds. */
static double cpu_s(pid_t pid)
{
	unsigned long user = 0, system = 0;
	char path[64], text[512], *at;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (file && fgets(text, sizeof(text), file) && (at = strrchr(text, ')')))
		(void)sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
	if (file)
		fclose(file);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static void programs(struct feed *to)
{
	unsigned i;
	char exe[64];

	feed_ready(to);
	for (i = 1; i <= PROGRAMS; i++) {
		snprintf(exe, sizeof(exe), "/usr/bin/program-%u", i);
		feed_program_start(to, i, 0, exe, "x", 2, (uint8_t)i);
	}
}

/* Returns the seconds it took. */
static double window(struct feed *to, unsigned w)
{
	double start = now_s();
	unsigned i;

	for (i = 0; i < WINDOW_FLOWS; i++) {
		struct wire_flow flow = feed_tcp(1 + i % PROGRAMS, (uint16_t)(1024 + i), 443, i, 5000);

		flow.cookie = w * WINDOW_FLOWS + i + 1;
		flow.raddr[2] = (uint8_t)(i % 200);
		feed_flow(to, &flow);
	}
	feed_window(to, FEED_T + 10 * (w + 1));
	return now_s() - start;
}

/* In turns: a log without a copy, and one whose server has just stopped to answer. */
static void hanging(const char *json)
{
	double without = 0, with = 0;
	char dir[PATH_MAX], other[PATH_MAX];
	struct feed plain;
	unsigned w;
	pid_t pid;

	feed_tmpdir(dir);
	feed_tmpdir(other);
	feed_start(&plain, other, "{}");
	feed_start(&s.store, dir, json);
	programs(&plain);
	programs(&s.store);
	feed_sink(&s.sink, &s.store, s.kind->sink, json);
	(void)window(&plain, 0);
	(void)window(&s.store, 0);
	while (s.sink.sink.rows < WINDOW_FLOWS)
		feed_talk(&s.store, &s.sink, 50);
	if ((pid = s.kind->serves(&s)) <= 0 || kill(pid, SIGSTOP) != 0)
		feed_die("no server to be stopped");
	for (w = 1; w <= HANGING_WINDOWS; w++) {
		without += window(&plain, w);
		with += window(&s.store, w);
	}
	kill(pid, SIGCONT);
	printf("%s: %-40s %14.2f %14s\n", kind, "time of a window while the server hangs, ratio",
	       with / without, "1.0");
	feed_kill(&s.sink);
	s.store.other = NULL;
	feed_stop(&s.store);
	feed_stop(&plain);
	feed_rmdir(dir);
	feed_rmdir(other);
}

static void backlog(unsigned windows, const char *budget)
{
	double start, took, cpu, rows = windows * (double)WINDOW_FLOWS;
	long kib, most = 0;
	unsigned w;

	feed_start(&s.store, s.state, "{}");
	programs(&s.store);
	for (w = 0; w < windows; w++)
		(void)window(&s.store, w);
	feed_stop(&s.store);
	feed_start(&s.store, s.state, s.json);
	feed_ready(&s.store);
	cpu = cpu_s(s.pid);
	start = now_s();
	feed_sink(&s.sink, &s.store, s.kind->sink, s.json);
	while ((double)s.sink.sink.rows < rows) {
		kib = private_kib();
		most = kib > most ? kib : most;
		feed_talk(&s.store, &s.sink, 100);
		if (now_s() - start > 300)
			feed_die("not done after 300 s: %s", s.sink.text);
	}
	took = now_s() - start;
	line("rows/s", rows / took, budget);
	line("ns of CPU a row, sink", cpu_s(s.sink.pid) / rows * 1e9, "");
	line("ns of CPU a row, server", (cpu_s(s.kind->serves(&s)) - cpu) / rows * 1e9, "");
	line("bytes of disk a row, server", atof(server_ask(&s, s.kind->size)) / rows, "");
	line("KiB of private memory of the sink, at most", (double)most, "<= 3072");
	feed_stop(&s.sink);
	s.store.other = NULL;
	feed_stop(&s.store);
	feed_rmdir(s.state);
}

static void measure(const char *name, const struct server_kind *server, unsigned windows, const char *budget)
{
	kind = name;
	if (!server_begin(&s, server)) {
		printf("SKIP copy_rows: no %s server here\n", name);
		return;
	}
	feed_tmpdir(s.state);
	server_copy_settings(&s, NULL, "}");
	backlog(windows, budget);
	hanging(s.json);
	server_end(&s);
}

int main(int argc, char **argv)
{
	unsigned windows = argc > 2 ? (unsigned)atoi(argv[2]) : 50;

	measure("PostgreSQL", &server_postgres, windows, ">= 200000");
	measure("MariaDB", &server_mariadb, windows, "");
	return 0;
}
