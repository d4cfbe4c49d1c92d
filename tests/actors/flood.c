/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flood.c - stops the collector, fills the ring buffer that it does not read, and goes on making processes
 * for SECONDS; then lets it go on. Each process is three records: fork, exec and exit. Since nothing else
 * runs while this counts, it knows what was lost, and compares it with the loss counter of the BPF programs,
 * which it reads where the collector does. With SECONDS 0 it only says what the counter is. Says:
 *
 *   made N           processes, in all
 *   full N lost M    of those, made while not even a small record found room; and what the counter rose by
 *                    then
 *   others N         processes that others made meanwhile: M cannot be compared if there were any
 *   counter N        as it is at the end
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "bpf/wire.h"
#include "tests/actors/actor.h"

static const struct wire_shared *shared;
static unsigned long long made;
static pid_t stopped; /* the collector */

/* However this ends, the collector must not stay stopped. */
static void go_on(void)
{
	if (stopped)
		kill(stopped, SIGCONT);
}

static void too_long(int signal)
{
	(void)signal;
	go_on();
	_exit(1);
}

/* Every map that a process holds has its id in /proc/PID/fdinfo; 0: this is none. */
static unsigned map_id(const char *pid, const char *fd)
{
	char path[300], line[128];
	unsigned id = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", pid, fd);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f) && sscanf(line, "map_id: %u", &id) != 1)
		;
	if (f)
		fclose(f);
	return id;
}

/* The programs' zero-initialised globals are a map; struct wire_shared is the first of them. */
static const struct wire_shared *map_shared(unsigned id)
{
	struct bpf_map_info info = {0};
	unsigned len = sizeof(info);
	int fd = bpf_map_get_fd_by_id(id);
	void *at;

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) || !strstr(info.name, ".bss") ||
	    info.value_size < sizeof(*shared))
		return NULL;
	at = mmap(NULL, info.value_size, PROT_READ, MAP_SHARED, fd, 0);
	return at == MAP_FAILED ? NULL : at;
}

static void find_shared(const char *pid)
{
	char path[64];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo", pid);
	if (!(dir = opendir(path)))
		die(path);
	while (!shared && (e = readdir(dir))) {
		unsigned id = map_id(pid, e->d_name);

		shared = id ? map_shared(id) : NULL;
	}
	closedir(dir);
	if (!shared)
		cannot("no counters among the maps of that process");
}

static unsigned long long counter(void)
{
	return *(volatile const __u64 *)&shared->loss[WIRE_LOSS_RING_FULL].records;
}

/* Tasks made since the machine started, by anybody. */
static unsigned long long forks(void)
{
	FILE *f = fopen("/proc/stat", "r");
	unsigned long long n = 0;
	char line[8192];

	while (f && fgets(line, sizeof(line), f) && sscanf(line, "processes %llu", &n) != 1)
		;
	if (f)
		fclose(f);
	return n;
}

/* One process, from its birth to its end. */
static void process(char *self)
{
	char *args[] = {self, "-", NULL};
	int status;
	pid_t pid = vfork();

	if (pid < 0)
		die("vfork");
	if (pid == 0) {
		execv(self, args);
		_exit(1);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		die("a process failed");
	made++;
}

static time_t now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Fill the ring; when something was lost, small records may still find room, but not many. */
static void fill(char *self)
{
	unsigned long long before = counter();

	while (counter() - before < 100)
		process(self);
}

static void measure(char *self, time_t seconds)
{
	unsigned long long lost, others, first;
	time_t end = now_s() + seconds;

	fill(self);
	first = made;
	lost = counter();
	others = forks();
	do
		process(self);
	while (now_s() < end);
	lost = counter() - lost;
	others = forks() - others - (made - first);
	printf("made %llu\nfull %llu lost %llu\nothers %llu\n", made, made - first, lost, others);
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return 0; /* one of those that are made */
	if (argc != 3)
		usage("COLLECTOR SECONDS");
	find_shared(argv[1]);
	if (atoi(argv[2])) {
		stopped = atoi(argv[1]);
		atexit(go_on);
		signal(SIGALRM, too_long);
		if (kill(stopped, SIGSTOP))
			die("SIGSTOP");
		measure(argv[0], atoi(argv[2]));
	}
	printf("counter %llu\n", counter());
	return 0;
}
