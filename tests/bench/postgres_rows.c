// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * postgres_rows.c - how fast femtosnitch-postgres brings a backlog to a local PostgreSQL server, over its one
 * connection, what a row costs either side, and what memory it holds meanwhile; and whether the log waits for
 * a server that hangs. Usage: postgres_rows BUILDDIR [windows of 20,000 flows]
 */
#include "tests/unit/store/server.h"

#define WINDOW_FLOWS 20000
#define PROGRAMS 50
#define HANGING_WINDOWS 20

static struct server server;
static struct feed f, sink;

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void line(const char *what, double value, const char *budget)
{
	printf("PostgreSQL: %-40s %14.0f %14s\n", what, value, budget);
}

/* Of the sink, in KiB: what it shares with nobody. */
static long private_kib(void)
{
	char command[256], text[64] = "";
	FILE *file;

	snprintf(command, sizeof(command),
		 "awk '/^Private_Dirty/ { s += $2 } END { print s }' /proc/%d/smaps_rollup", sink.pid);
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

/* Of the server, the process that serves the sink. */
static pid_t backend(void)
{
	return atoi(server_ask(&server, "SELECT pid FROM pg_stat_activity WHERE usename = 'snitch' LIMIT 1"));
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
	feed_start(&f, dir, json);
	programs(&plain);
	programs(&f);
	feed_sink(&sink, &f, "femtosnitch-postgres", json);
	(void)window(&plain, 0);
	(void)window(&f, 0);
	while (sink.sink.rows < WINDOW_FLOWS)
		feed_talk(&f, &sink, 50);
	if ((pid = backend()) <= 0 || kill(pid, SIGSTOP) != 0)
		feed_die("no server to be stopped");
	for (w = 1; w <= HANGING_WINDOWS; w++) {
		without += window(&plain, w);
		with += window(&f, w);
	}
	kill(pid, SIGCONT);
	printf("PostgreSQL: %-40s %14.2f %14s\n", "time of a window while the server hangs, ratio",
	       with / without, "1.0");
	feed_kill(&sink);
	f.other = NULL;
	feed_stop(&f);
	feed_stop(&plain);
	feed_rmdir(dir);
	feed_rmdir(other);
}

int main(int argc, char **argv)
{
	unsigned windows = argc > 2 ? (unsigned)atoi(argv[2]) : 50, w;
	char dir[PATH_MAX], json[PATH_MAX + 64];
	long kib, most = 0;
	double start, took, rows = windows * (double)WINDOW_FLOWS;

	if (!server_find(&server)) {
		puts("SKIP postgres_rows: no PostgreSQL server here");
		return 0;
	}
	server_begin(&server);
	server_stop(&server, "fast");
	feed_tmpdir(dir);
	snprintf(json, sizeof(json), "{\"DB sql server\": \"host=%s user=snitch dbname=postgres\"}",
		 server.dir);
	feed_start(&f, dir, json);
	programs(&f);
	for (w = 0; w < windows; w++)
		(void)window(&f, w);
	feed_stop(&f);
	server_start(&server);
	feed_start(&f, dir, json);
	feed_ready(&f);
	start = now_s();
	feed_sink(&sink, &f, "femtosnitch-postgres", json);
	while ((double)sink.sink.rows < rows) {
		kib = private_kib();
		most = kib > most ? kib : most;
		feed_talk(&f, &sink, 100);
		if (now_s() - start > 300)
			feed_die("not done after 300 s: %s", sink.text);
	}
	took = now_s() - start;
	line("rows/s", rows / took, ">= 200000");
	line("ns of CPU a row, sink", cpu_s(sink.pid) / rows * 1e9, "");
	line("ns of CPU a row, server", cpu_s(backend()) / rows * 1e9, "");
	line("KiB of private memory of the sink, at most", (double)most, "<= 3072");
	feed_stop(&sink);
	f.other = NULL;
	feed_stop(&f);
	feed_rmdir(dir);
	hanging(json);
	server_end(&server);
	return 0;
}
