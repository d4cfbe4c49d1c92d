// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/libc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/symbol.h"
#include "config/handover.h"
#include "config/log.h"
#include "config/sandbox.h"

#define FUNCTION "getaddrinfo"
#define LIBRARIES_MAX 64
#define LOOKED_MAX 256 /* remembered; what is forgotten is looked at again, which finds nothing new */
/* The number of a namespace may be another's by then, or its library updated */
#define AGAIN_NS 10000000000ull
#define UPROBES "/sys/bus/event_source/devices/uprobe/"

struct looked {
	uint64_t ino; /* of the program */
	uint32_t mntns;
	wire_ns time_ns;
};

struct libc {
	pid_t pid;
	int sock; /* -1: the process is gone */
	unsigned watched;
	struct looked looked[LOOKED_MAX];
};

/* ---- in the process */

struct library {
	uint64_t dev, ino;
};

struct watcher {
	int entry, result; /* the programs */
	unsigned type;	   /* of the kernel's uprobes, as perf_event_open(2) calls them */
	unsigned n, watched;
	struct library library[LIBRARIES_MAX];
};

/* 0: there is none */
static unsigned uprobe_type(void)
{
	FILE *f = fopen(UPROBES "type", "re");
	unsigned type = 0;

	if (f && fscanf(f, "%u", &type) != 1)
		type = 0;
	if (f)
		fclose(f);
	return type;
}

/* The descriptor keeps it there, and is never closed. It counts on no CPU in particular: the program runs on
 * all of them. 0 or -errno. */
static int put_on(const struct watcher *w, int program, bool at_return, const char *path, uint64_t offset)
{
	struct perf_event_attr attr = {
		.type = w->type,
		.size = sizeof(attr),
		.config = at_return, /* format/retprobe is bit 0 since it came (Linux 4.17) */
		.uprobe_path = (uint64_t)(uintptr_t)path,
		.probe_offset = offset,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, program) == 0 && ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) == 0)
		return 0;
	err = -errno;
	close(fd);
	return err;
}

static void watch_library(struct watcher *w, int fd)
{
	uint64_t offset;
	char path[32];
	int err = symbol_find(fd, FUNCTION, &offset);

	if (err < 0)
		return; /* a name like that of a C library is not enough to be one */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if ((err = put_on(w, w->result, true, path, offset)) == 0 &&
	    (err = put_on(w, w->entry, false, path, offset)) == 0)
		w->watched++;
	else
		log_warnx("a C library is not watched: %s", strerror(-err));
}

/* Is it known? If not, it is from now on. */
static bool is_known(struct watcher *w, const struct library *library)
{
	for (unsigned i = 0; i < w->n; i++)
		if (w->library[i].dev == library->dev && w->library[i].ino == library->ino)
			return true;
	if (w->n == LIBRARIES_MAX)
		return true;
	w->library[w->n++] = *library;
	if (w->n == LIBRARIES_MAX)
		log_warnx("%u C libraries are watched: no more will be", w->n);
	return false;
}

/* path ends as its line does. musl calls itself libc.so where nobody renames it, and is its own loader. */
static bool is_libc(const char *path)
{
	const char *name = strrchr(path, '/');

	return name && (strncmp(name, "/libc.so.", 9) == 0 || strncmp(name, "/libc.so\n", 9) == 0 ||
			strncmp(name, "/libc-2.", 8) == 0 || strncmp(name, "/ld-musl-", 9) == 0 ||
			strncmp(name, "/libc.musl-", 11) == 0);
}

/* One mapping of a program, as proc(5) has it. True: it was its C library. */
static bool look_at_mapping(struct watcher *w, unsigned pid, const char *line)
{
	unsigned long long from, to, ino;
	unsigned major, minor;
	struct library library;
	char execute, path[64];
	int fd, at = 0;

	if (sscanf(line, "%llx-%llx %*c%*c%c%*c %*x %x:%x %llu %n", &from, &to, &execute, &major, &minor,
		   &ino, &at) < 6 ||
	    !at || execute != 'x' || !is_libc(line + at))
		return false;
	library = (struct library){.dev = (uint64_t)major << 32 | minor, .ino = ino};
	if (is_known(w, &library))
		return true;
	snprintf(path, sizeof(path), "/proc/%u/map_files/%llx-%llx", pid, from, to);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		w->n--; /* the program is gone: the next one may tell */
		return true;
	}
	watch_library(w, fd);
	close(fd);
	return true;
}

static void look_at(struct watcher *w, unsigned pid)
{
	char path[32], *line = NULL;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	while (getline(&line, &size, f) > 0 && !look_at_mapping(w, pid, line))
		;
	free(line);
	fclose(f);
}

static void look_at_all(struct watcher *w)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		unsigned long pid = strtoul(entry->d_name, NULL, 10);

		if (pid)
			look_at(w, (unsigned)pid);
	}
	if (proc)
		closedir(proc);
}

static void serve(struct watcher *w, int sock)
{
	uint32_t pid;

	look_at_all(w);
	malloc_trim(0);
	if (send(sock, &w->watched, sizeof(w->watched), MSG_NOSIGNAL) < 0)
		return;
	while (recv(sock, &pid, sizeof(pid), 0) == sizeof(pid))
		look_at(w, pid);
}

/* It needs the two programs; the pipes must not stay open in it, or nobody would see them end. */
static void keep_only(const struct hold *hold, const struct watcher *w)
{
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	for (unsigned i = 0; i < hold->n; i++)
		if (hold->held[i].fd != w->entry && hold->held[i].fd != w->result)
			close(hold->held[i].fd);
}

/* SYS_PTRACE: who has what mapped; SYS_ADMIN: to open it. */
static _Noreturn void watcher(struct watcher *w, const struct hold *hold, const struct stage *stage, int sock)
{
	prctl(PR_SET_NAME, "femtosnitch-lib");
	malloc_trim(0);
	keep_only(hold, w);
	if (stage->handover >= 0)
		close(stage->handover);
	sandbox_drop(stage->uid, stage->gid,
		     SANDBOX_CAP(CAP_PERFMON) | SANDBOX_CAP(CAP_SYS_ADMIN) | SANDBOX_CAP(CAP_SYS_PTRACE) |
			     SANDBOX_CAP(CAP_DAC_READ_SEARCH));
	serve(w, sock);
	_exit(0);
}

/* ---- the collector's side */

/* Linux 6.11 made the end of a watched function a system call of its own, which kills a program whose seccomp
 * filter does not know it, until 6.12.20, 6.13.8 and 6.14 let it pass. */
static bool kernel_kills(void)
{
	unsigned major = 0, minor = 0, patch = 0;
	struct utsname kernel;

	if (uname(&kernel) || sscanf(kernel.release, "%u.%u.%u", &major, &minor, &patch) < 2 || major != 6)
		return false;
	return minor == 11 || (minor == 12 && patch < 20) || (minor == 13 && patch < 8);
}

/* NULL: it can be done. */
static const char *find_means(const struct hold *hold, struct watcher *w)
{
	w->entry = hold_fd(hold, HOLD_PROGRAM, "on_resolve");
	w->result = hold_fd(hold, HOLD_PROGRAM, "on_resolved");
	w->type = uprobe_type();
	if (w->entry < 0 || w->result < 0)
		return "its programs were refused";
	if (!w->type)
		return "this kernel has no uprobes";
	return kernel_kills() ? "this kernel kills sandboxed programs that are watched (fixed in 6.12.20)"
			      : NULL;
}

static const char *start(struct libc *libc, struct watcher *w, const struct hold *hold,
			 const struct stage *stage)
{
	int ends[2];

	if (handover_pair(ends) < 0)
		return "no socket could be made";
	libc->pid = fork();
	if (libc->pid == 0) {
		close(ends[0]);
		watcher(w, hold, stage, ends[1]);
	}
	close(ends[1]);
	libc->sock = ends[0];
	if (libc->pid > 0 &&
	    recv(libc->sock, &libc->watched, sizeof(libc->watched), 0) == (ssize_t)sizeof(libc->watched))
		return NULL;
	return "the process for it did not start";
}

struct libc *libc_start(const struct hold *hold, const struct stage *stage, const char **why)
{
	struct libc *libc = calloc(1, sizeof(*libc));
	struct watcher w = {0};

	if (!libc) {
		*why = "no memory";
		return NULL;
	}
	libc->sock = -1;
	*why = find_means(hold, &w);
	if (!*why)
		*why = start(libc, &w, hold, stage);
	if (!*why)
		return libc;
	libc_free(libc);
	return NULL;
}

void libc_free(struct libc *libc)
{
	if (!libc)
		return;
	if (libc->sock >= 0)
		close(libc->sock);
	free(libc);
}

unsigned libc_watched(const struct libc *libc)
{
	return libc ? libc->watched : 0;
}

void libc_look(struct libc *libc, const struct wire_exec *exec, wire_ns now)
{
	struct looked *last, look = {.ino = exec->file.ino, .mntns = exec->mntns, .time_ns = now};
	uint32_t pid = exec->image.tgid;

	if (!libc || libc->sock < 0)
		return;
	last = &libc->looked[(look.ino * 31 + look.mntns) % LOOKED_MAX];
	if (last->ino == look.ino && last->mntns == look.mntns && now < last->time_ns + AGAIN_NS)
		return;
	/* a full socket: the next one asks again */
	if (send(libc->sock, &pid, sizeof(pid), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		*last = look;
}
