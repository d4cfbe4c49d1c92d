// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/naming.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/hosts.h"
#include "config/chain.h"
#include "config/log.h"

#define PROGRAM "femtosnitch-names"
#define AGAIN_MS 1000 /* the first time; then twice as long each time */
#define AGAIN_MAX_MS 300000
#define WELL_MS 600000 /* after so long, the next death is a first one */

struct naming {
	struct stage *stage;
	struct hosts_file files[WIRE_HOSTS__MAX];
	int program;  /* O_PATH: where it lies, we may not be able to go by then */
	int epoll_fd; /* of both ends below */
	bool wanted;
	pid_t pid; /* 0: it does not run */
	int in, out;
	struct frame_writer *to;
	struct frame_reader *from;
	bool full; /* the pipe: there is something to write */
	int64_t started_ms, again_ms, pause_ms;
	uint64_t asked, echoed;		 /* markers */
	uint64_t sent;			 /* payloads since the last marker that came back */
	uint64_t dropped, dropped_bytes; /* not said yet */
};

static int open_program(const char *self)
{
	const char *slash = strrchr(self, '/');
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%.*s" PROGRAM, slash ? (int)(slash + 1 - self) : 0, self);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		log_warn("%s", path);
	return fd;
}

struct naming *naming_new(struct stage *stage, const char *self, const char *const files[WIRE_HOSTS__MAX])
{
	struct naming *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->stage = stage;
	n->in = n->out = -1;
	for (unsigned i = 0; i < WIRE_HOSTS__MAX; i++)
		hosts_file_init(&n->files[i], i, files[i]);
	n->program = open_program(self);
	n->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (n->program >= 0 && n->epoll_fd >= 0)
		return n;
	naming_free(n);
	return NULL;
}

/* ---- its life */

static void hang_up(struct naming *n)
{
	frame_writer_free(n->to);
	frame_reader_free(n->from);
	n->to = NULL;
	n->from = NULL;
	if (n->in >= 0)
		close(n->in);
	if (n->out >= 0)
		close(n->out);
	n->in = n->out = -1;
}

/* Whatever it still does is not needed. Returns wait(2)'s status. */
static int end(struct naming *n)
{
	int status = 0;

	hang_up(n);
	kill(n->pid, SIGKILL); /* nothing, where it ended by itself */
	while (waitpid(n->pid, &status, 0) < 0 && errno == EINTR)
		;
	n->pid = 0;
	return status;
}

void naming_free(struct naming *n)
{
	if (!n)
		return;
	if (n->pid)
		end(n);
	if (n->program >= 0)
		close(n->program);
	if (n->epoll_fd >= 0)
		close(n->epoll_fd);
	free(n);
}

static void later(struct naming *n, int64_t now_ms)
{
	if (n->pause_ms == 0 || now_ms - n->started_ms > WELL_MS)
		n->pause_ms = AGAIN_MS;
	else if (n->pause_ms < AGAIN_MAX_MS)
		n->pause_ms *= 2;
	n->again_ms = now_ms + n->pause_ms;
}

/* What was on its way is lost with it: nobody knows how much of that it had read. */
static void died(struct naming *n, const char *why, int64_t now_ms)
{
	char how[80];
	int status = end(n);

	chain_describe(status, how, sizeof(how));
	n->dropped += n->sent;
	n->sent = 0;
	later(n, now_ms);
	log_warnx("%s %s%s%s: it is started again in %lld s", PROGRAM, how, why ? ": " : "", why ? why : "",
		  (long long)(n->pause_ms / 1000));
	stage_error(n->stage,
		    "%s %s%s%s: names of this time are missing; it is started again; logging goes on",
		    PROGRAM, how, why ? ": " : "", why ? why : "");
}

static _Noreturn void become_names(const struct naming *n, int in, int out)
{
	char uid[16], gid[16];
	char *argv[] = {PROGRAM,
			"--state-dir",
			(char *)n->stage->state_dir,
			"--log-dir",
			(char *)n->stage->log_dir,
			"--uid",
			uid,
			"--gid",
			gid,
			NULL};

	snprintf(uid, sizeof(uid), "%u", n->stage->uid);
	snprintf(gid, sizeof(gid), "%u", n->stage->gid);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0)
		_exit(127);
	(void)close_range(3, ~0u, CLOSE_RANGE_CLOEXEC); /* all of ours are, without it too */
	fexecve(n->program, argv, environ);
	_exit(127);
}

/* What it must know: whose process it is comes as arguments, and of the settings it needs none. */
static void put_settings(struct naming *n)
{
	static const char none[] = "{}";
	const struct wire_settings head = {.generation = 1, .text_len = sizeof(none) - 1};

	frame_put(n->to, WIRE_SETTINGS, &head, sizeof(head), none, sizeof(none) - 1);
}

static void watch(struct naming *n, int op, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	if (epoll_ctl(n->epoll_fd, op, fd, &event) < 0)
		fatal("epoll");
}

/* 0 or -errno. */
static int start(struct naming *n)
{
	int to[2] = {-1, -1}, from[2] = {-1, -1}, err = chain_pipe(to);

	if (err == 0)
		err = chain_pipe(from);
	if (err == 0 && (n->pid = fork()) < 0) {
		err = -errno;
		n->pid = 0;
	}
	if (err == 0 && n->pid == 0)
		become_names(n, to[0], from[1]);
	if (to[0] >= 0)
		close(to[0]);
	if (from[1] >= 0)
		close(from[1]);
	n->in = to[1];
	n->out = from[0];
	if (err == 0) {
		n->to = frame_writer_new(n->in, NAMING_BOUND);
		n->from = frame_reader_new(n->out);
		err = n->to && n->from ? 0 : -ENOMEM;
	}
	if (err < 0)
		return err;
	watch(n, EPOLL_CTL_ADD, n->out, EPOLLIN);
	watch(n, EPOLL_CTL_ADD, n->in, 0);
	put_settings(n);
	for (unsigned i = 0; i < WIRE_HOSTS__MAX; i++) {
		hosts_file_again(&n->files[i]);
		hosts_file_put(&n->files[i], n->to);
	}
	return 0;
}

void naming_tick(struct naming *n, bool wanted, int64_t now_ms)
{
	int err;

	if (!n)
		return;
	n->wanted = wanted;
	if (!wanted && n->pid)
		end(n);
	if (!wanted || n->pid || now_ms < n->again_ms)
		return;
	n->started_ms = now_ms;
	n->asked = n->echoed = n->sent = 0;
	n->full = false;
	if ((err = start(n)) == 0)
		return;
	if (n->pid)
		end(n);
	hang_up(n);
	later(n, now_ms);
	log_warnx("%s cannot be started: %s", PROGRAM, strerror(-err));
}

int naming_due_ms(const struct naming *n, int64_t now_ms)
{
	if (!n || !n->wanted || n->pid)
		return -1;
	return n->again_ms > now_ms ? (int)(n->again_ms - now_ms) : 0;
}

/* ---- frames */

void naming_payload(void *arg, const struct wire_payload *p, const void *data)
{
	struct naming *n = arg;

	if (!n || !n->wanted)
		return;
	if (n->to && frame_put(n->to, WIRE_PAYLOAD, p, sizeof(*p), data, p->data_len) == 0) {
		n->sent++;
		return;
	}
	n->dropped++;
	n->dropped_bytes += p->data_len;
}

int naming_fd(const struct naming *n)
{
	return n ? n->epoll_fd : -1;
}

/* Is that one of the stage that may say it? It reads bytes of strangers, and may be theirs. */
static bool is_its_own(const struct wire_hdr *hdr, const void *payload)
{
	if (hdr->type == WIRE_LOSS)
		return ((const struct wire_loss *)payload)->stage == WIRE_STAGE_NAMES;
	return hdr->type == WIRE_NAME ||
	       (hdr->type == WIRE_ERROR && ((const struct wire_error *)payload)->stage == WIRE_STAGE_NAMES);
}

/* False: it says what it may not. */
static bool hear(struct naming *n, const struct wire_hdr *hdr, const void *payload)
{
	if (hdr->type == WIRE_SETTINGS)
		return true;
	if (hdr->type == WIRE_FLUSH) {
		n->echoed = ((const struct wire_flush *)payload)->id;
		n->sent = 0;
		return true;
	}
	if (!is_its_own(hdr, payload))
		return false;
	if (frame_pass(n->stage->out, hdr, payload) == -ENOBUFS)
		n->dropped++;
	return true;
}

/* NULL, or why it is not to be served any more ("": it ended). */
static const char *hear_all(struct naming *n)
{
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	int got, rc;

	while ((got = frame_fill(n->from)) > 0) {
		while ((rc = frame_next(n->from, &hdr, &payload, &why)) > 0)
			if (!hear(n, hdr, payload))
				return "it said what is not for it to say";
		if (rc < 0)
			return why;
	}
	return got == -EAGAIN ? NULL : "";
}

void naming_serve(struct naming *n, int64_t now_ms)
{
	const char *why;
	bool full;

	if (!n || !n->pid)
		return;
	full = frame_flush(n->to) == -EAGAIN;
	if (full != n->full)
		watch(n, EPOLL_CTL_MOD, n->in, full ? EPOLLOUT : 0);
	n->full = full;
	why = hear_all(n);
	if (why)
		died(n, why[0] ? why : NULL, now_ms);
}

bool naming_mark(struct naming *n, wire_ns from, wire_ns to)
{
	struct wire_flush marker;

	if (!n)
		return false;
	if (n->dropped)
		stage_loss(n->stage, WIRE_LOSS_NAME, from, to, n->dropped, n->dropped_bytes,
			   "first bytes of connections and answers of name servers that %s did not take",
			   PROGRAM);
	n->dropped = n->dropped_bytes = 0;
	for (unsigned i = 0; i < WIRE_HOSTS__MAX && n->to; i++)
		n->sent += hosts_file_put(&n->files[i], n->to);
	marker.id = n->asked + 1;
	if (!n->to || !n->sent || frame_put(n->to, WIRE_FLUSH, &marker, sizeof(marker), NULL, 0) != 0)
		return false;
	n->asked = marker.id;
	(void)frame_flush(n->to);
	return true;
}

bool naming_echoed(const struct naming *n)
{
	return !n || !n->pid || n->echoed == n->asked;
}
