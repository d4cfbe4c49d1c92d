// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/late.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collector/hold.h"
#include "collector/hooks.h"
#include "collector/load.h"
#include "config/handover.h"
#include "config/log.h"
#include "config/sandbox.h"

#define LOOK_MS 1000
#define LIVE_TRIES 20 /* for a module to have begun its work, with as many pauses */
#define LIVE_PAUSE_NS 100000000
#define MODULE_SIZE 56 /* MODULE_NAME_LEN of the kernel */

struct late {
	struct probe *probe;
	pid_t loader;
	int sock;		    /* -1: the loader is gone */
	struct load_report *report; /* shared: the loader brings it up to date */
	const char *asked;	    /* the module that it is at; NULL: it sleeps */
	wire_ns looked_ns;	    /* what we ask for now was not there then */
	int64_t looked_ms;
};

/* ---- the loader */

/* Its functions cannot be hooked before (btf_try_get_module in kernel/bpf/btf.c). False: it went again. */
static bool is_live(const char *module)
{
	char path[MODULE_SIZE + 32], state[5] = "";
	int fd;

	snprintf(path, sizeof(path), "/sys/module/%s/initstate", module);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, state, 4) < 0)
		state[0] = '\0';
	close(fd);
	return strcmp(state, "live") == 0;
}

static bool becomes_live(const char *module)
{
	const struct timespec pause = {.tv_nsec = LIVE_PAUSE_NS};

	for (int i = 0; i < LIVE_TRIES; i++) {
		if (is_live(module))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

/* All that was loaded, as KIND.NAME. 0 or -errno. */
static int send_all(int sock, const struct hold *more)
{
	struct handover *given = calloc(1, sizeof(*given));
	char text[HANDOVER_NAME_SIZE];
	int err = given ? 0 : -ENOMEM;

	for (unsigned i = 0; i < more->n && err == 0; i++) {
		int len = snprintf(text, sizeof(text), "%s.%s", hold_kind_name(more->held[i].kind),
				   more->held[i].name);

		err = handover_add(given, text, (size_t)len, more->held[i].fd);
	}
	if (err == 0)
		err = handover_send(sock, given);
	free(given);
	return err;
}

static int load_and_send(int sock, const char *module, struct load_report *report, const struct hold *have)
{
	struct hold more = {0};

	if (becomes_live(module))
		(void)load_module(module, report, have, &more); /* what was refused is in the report */
	return send_all(sock, &more);
}

/* Each request in a process of its own: libbpf takes megabytes, and 1.1 does not give them all back. */
static void serve(int sock, struct load_report *report, const struct hold *have)
{
	const struct hold nothing = {0};
	char module[MODULE_SIZE];
	int status;
	ssize_t n;
	pid_t pid;

	while ((n = recv(sock, module, sizeof(module) - 1, 0)) > 0) {
		module[n] = '\0';
		pid = fork();
		if (pid == 0)
			_exit(load_and_send(sock, module, report, have) != 0);
		while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
			(void)send_all(sock, &nothing);
	}
}

/* What it needs are the maps. The pipes must not stay open in it, or nobody would see them end. */
static void keep_maps_only(const struct hold *hold)
{
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	for (unsigned i = 0; i < hold->n; i++)
		if (hold->held[i].kind != HOLD_MAP)
			close(hold->held[i].fd);
}

/* SYS_ADMIN: the types of modules are found by number (BPF_BTF_GET_FD_BY_ID). */
static _Noreturn void loader(const struct stage *stage, int sock, struct late *late)
{
	prctl(PR_SET_NAME, "femtosnitch-loa");
	keep_maps_only(probe_hold(late->probe));
	if (stage->handover >= 0)
		close(stage->handover);
	sandbox_drop(stage->uid, stage->gid,
		     SANDBOX_CAP(CAP_BPF) | SANDBOX_CAP(CAP_PERFMON) | SANDBOX_CAP(CAP_SYS_ADMIN));
	serve(sock, late->report, probe_hold(late->probe));
	_exit(0);
}

/* ---- the collector's side */

static bool anything_waits(const struct load_report *report)
{
	const char *module;

	for (unsigned i = 0; (module = hooks_module(i)); i++)
		if (load_waits_for(report, module))
			return report->set != HOOKS_ALWAYS;
	return false;
}

/* 0 or -errno. */
static int start_loader(struct late *late, const struct stage *stage)
{
	int ends[2], err = handover_pair(ends);

	if (err < 0)
		return err;
	late->report =
		mmap(NULL, sizeof(*late->report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	late->loader = late->report == MAP_FAILED ? -1 : fork();
	if (late->loader < 0) {
		err = -errno;
		close(ends[0]);
		close(ends[1]);
		return err;
	}
	if (late->loader == 0) {
		close(ends[0]);
		loader(stage, ends[1], late);
	}
	close(ends[1]);
	late->sock = ends[0];
	return 0;
}

struct late *late_start(struct probe *probe, const struct stage *stage, wire_ns since_ns)
{
	struct late *late;
	int err;

	if (!anything_waits(probe_report(probe)))
		return NULL;
	late = calloc(1, sizeof(*late));
	if (late) {
		late->probe = probe;
		late->looked_ns = since_ns;
	}
	err = late ? start_loader(late, stage) : -ENOMEM;
	if (err == 0)
		return late;
	log_warnx("modules that are loaded from now on are watched after a restart: %s", strerror(-err));
	free(late);
	return NULL;
}

static void end_loader(struct late *late)
{
	if (late->sock < 0)
		return;
	close(late->sock);
	late->sock = -1;
}

void late_free(struct late *late)
{
	if (!late)
		return;
	end_loader(late);
	munmap(late->report, sizeof(*late->report));
	free(late);
}

int late_fd(const struct late *late)
{
	return late ? late->sock : -1;
}

/* The module whose types have come, and whose programs have not; NULL: there is none. */
static const char *find_come(const struct load_report *report)
{
	char path[MODULE_SIZE + 32];
	const char *module;

	for (unsigned i = 0; (module = hooks_module(i)); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/btf/%s", module);
		if (load_waits_for(report, module) && access(path, F_OK) == 0)
			return module;
	}
	return NULL;
}

void late_look(struct late *late, int64_t now_ms)
{
	if (late_fd(late) < 0 || late->asked || now_ms < late->looked_ms + LOOK_MS)
		return;
	late->looked_ms = now_ms;
	late->asked = find_come(probe_report(late->probe));
	if (!late->asked) {
		late->looked_ns = stage_now();
		return;
	}
	*late->report = *probe_report(late->probe);
	if (send(late->sock, late->asked, strlen(late->asked), MSG_NOSIGNAL) < 0)
		late->asked = NULL; /* it is gone, and late_take() will hear of it */
}

static int take_one(struct hold *more, const char *text, int fd)
{
	for (unsigned kind = 0; kind < HOLD__MAX; kind++) {
		const char *name = hold_kind_name(kind);
		size_t len = strlen(name);

		if (strncmp(text, name, len) == 0 && text[len] == '.')
			return hold_copy(more, kind, text + len + 1, fd);
	}
	return -EPROTO;
}

/* 0 or -errno. */
static int receive(int sock, struct hold *more)
{
	struct handover *given = calloc(1, sizeof(*given));
	int err = given ? handover_receive(sock, given) : -ENOMEM;

	for (unsigned i = 0; err == 0 && i < given->n; i++)
		err = take_one(more, given->name[i], given->fd[i]);
	if (given)
		handover_close(given);
	free(given);
	return err;
}

static void note_module(struct load_report *report, const char *module, wire_ns now)
{
	time_t seconds = (time_t)(now / 1000000000);
	size_t used = strlen(report->modules);
	char since[32];
	struct tm tm;

	strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
	snprintf(report->modules + used, sizeof(report->modules) - used, "%smodule %s: watched since %s",
		 used ? "\n" : "", module, since);
}

/* The module is there, and its programs are or are not. */
static void say(struct late *late, struct stage *stage, unsigned attached)
{
	wire_ns now = stage_now();

	if (attached) {
		note_module(late->report, late->asked, now);
		stage_loss(stage, WIRE_LOSS_HOOK, late->looked_ns, now, 1, 0,
			   "module %s was loaded: what it moved before it was watched is not known",
			   late->asked);
		log_info("module %s was loaded: %u programs attached", late->asked, attached);
	} else {
		stage_loss(stage, WIRE_LOSS_HOOK, late->looked_ns, now, 1, 0,
			   "module %s was loaded, and its programs were refused: it is not watched",
			   late->asked);
	}
}

static void loader_died(struct late *late, struct stage *stage, int err)
{
	end_loader(late);
	(void)waitpid(late->loader, NULL, WNOHANG);
	stage_loss(stage, WIRE_LOSS_HOOK, 0, 0, 1, 0,
		   "no more programs can be loaded (%s): modules that come from now on are watched after a "
		   "restart",
		   strerror(-err));
}

bool late_take(struct late *late, struct stage *stage)
{
	struct hold more = {0};
	unsigned attached = probe_report(late->probe)->attached;
	int err = receive(late->sock, &more);
	bool changed;

	if (err < 0 || !late->asked) {
		hold_close_all(&more);
		loader_died(late, stage, err < 0 ? err : -EPROTO);
		return false;
	}
	attached = late->report->attached - attached;
	changed = !load_waits_for(late->report, late->asked); /* else it went while it came */
	if (changed) {
		say(late, stage, attached);
		if ((err = probe_add(late->probe, &more, late->report)) < 0)
			loader_died(late, stage, err);
	}
	hold_close_all(&more);
	late->looked_ns = stage_now();
	late->asked = NULL;
	return changed;
}
