/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * feed.h - drives the real femtosnitch-store: frames into its standard input, frames back from its standard
 * output, and questions to the snitch.db it writes. For tests and benchmarks; a failed call ends the program.
 * A sink (feed_sink) is driven alike, and what the two say to each other goes through the feed as it would
 * through the supervisor.
 */
#ifndef FEMTOSNITCH_TESTS_FEED_H
#define FEMTOSNITCH_TESTS_FEED_H

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bpf/wire.h"
#include "config/frame.h"

#define FEED_NS 1000000000ull
#define FEED_T feed_t() /* seconds; the time of traffic, the last full hour: retention looks at the clock */
#define FEED_DEFAULTS "{}"

struct feed {
	char dir[PATH_MAX];
	pid_t pid;
	int in, out, err;
	struct frame_writer *to;
	struct frame_reader *from;
	uint64_t flush_id;
	uint64_t rows; /* of the last WIRE_COMMITTED */
	uint64_t commit_us;
	unsigned ready, errors, losses, ticks;
	struct wire_done done;	      /* the last */
	char text[WIRE_TEXT_MAX + 1]; /* of the last READY or ERROR */
	struct feed *other;	      /* the sink of a store, the store of a sink; NULL: none */
	bool is_sink;
	struct wire_sink sink; /* the last */
};

static inline uint64_t feed_t(void)
{
	static uint64_t t;

	if (t == 0)
		t = (uint64_t)time(NULL) / 3600 * 3600;
	return t;
}

#define feed_die(...) (fprintf(stderr, __VA_ARGS__), fprintf(stderr, "\n"), abort())

/* A program that was built, beside the one we are. */
static inline void feed_program(char path[PATH_MAX], const char *name)
{
	char self[PATH_MAX] = "";

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		feed_die("readlink");
	/* build/tests/KIND/FOLDER/test_x or build/tests/bench/x */
	for (;;) {
		char *up = dirname(self);

		memmove(self, up, strlen(up) + 1);
		snprintf(path, PATH_MAX, "%s/%s", self, name);
		if (access(path, X_OK) == 0)
			return;
		if (strlen(self) <= 1)
			feed_die("%s was not built", name);
	}
}

static inline void feed_tmpdir(char dir[PATH_MAX])
{
	snprintf(dir, PATH_MAX, "%s/femtosnitch-store-XXXXXX", getenv("TMPDIR") ?: "/tmp");
	if (!mkdtemp(dir) || chmod(dir, 0750) != 0)
		feed_die("mkdtemp");
}

static inline void feed_rmdir(const char *dir)
{
	char command[PATH_MAX + 16];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	if (system(command) != 0)
		feed_die("rm");
}

static inline void feed_flush(struct feed *f)
{
	struct pollfd p = {.fd = f->in, .events = POLLOUT};
	int rc;

	while ((rc = frame_flush(f->to)) == -EAGAIN)
		poll(&p, 1, -1);
	if (rc != 0)
		feed_die("the store is gone");
}

static inline void feed_put(struct feed *f, enum wire_type type, const void *head, size_t head_len,
			    const void *tail, size_t tail_len)
{
	int rc = frame_put(f->to, type, head, head_len, tail, tail_len);

	if (rc == -ENOBUFS) {
		feed_flush(f);
		rc = frame_put(f->to, type, head, head_len, tail, tail_len);
	}
	if (rc != 0)
		feed_die("frame_put: %d", rc);
}

static inline void feed_settings(struct feed *f, const char *json)
{
	struct wire_settings head = {.generation = 1, .text_len = (uint32_t)strlen(json)};

	feed_put(f, WIRE_SETTINGS, &head, sizeof(head), json, head.text_len);
}

static inline void feed_exec(struct feed *f, const char *name, int in, int out, uid_t uid, gid_t gid)
{
	char path[PATH_MAX], uid_text[16], gid_text[16];
	int log;

	feed_program(path, name);
	snprintf(uid_text, sizeof(uid_text), "%u", uid);
	snprintf(gid_text, sizeof(gid_text), "%u", gid);
	if (!getenv("V") && (log = open("/dev/null", O_WRONLY)) >= 0)
		dup2(log, 2);
	dup2(in, 0);
	dup2(out, 1);
	execl(path, path, "--state-dir", f->dir, "--log-dir", f->dir, "--uid", uid_text, "--gid", gid_text,
	      NULL);
	_exit(127);
}

static inline void feed_begin(struct feed *f, const char *name, const char *dir, const char *json, uid_t uid,
			      gid_t gid)
{
	int in[2], out[2];

	memset(f, 0, sizeof(*f));
	snprintf(f->dir, sizeof(f->dir), "%s", dir);
	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
		feed_die("pipe");
	fcntl(in[0], F_SETPIPE_SZ, 1 << 20);
	f->pid = fork();
	if (f->pid == 0)
		feed_exec(f, name, in[0], out[1], uid, gid);
	close(in[0]);
	close(out[1]);
	f->in = in[1];
	f->out = out[0];
	f->to = frame_writer_new(f->in, 4 << 20);
	f->from = frame_reader_new(f->out);
	feed_settings(f, json);
}

/* dir is kept by the caller; json are the first settings. */
static inline void feed_start_as(struct feed *f, const char *dir, const char *json, uid_t uid, gid_t gid)
{
	feed_begin(f, "femtosnitch-store", dir, json, uid, gid);
}

static inline void feed_start(struct feed *f, const char *dir, const char *json)
{
	feed_start_as(f, dir, json, getuid(), getgid());
}

/* What one says that the other must hear; what it cannot take now it is not told, as by the supervisor. */
static inline void feed_pass(struct feed *f, const struct wire_hdr *hdr, const void *payload)
{
	bool from_sink = hdr->type == WIRE_SINK || hdr->type == WIRE_ERROR;

	if (!f->other || !f->other->to || f->is_sink != from_sink ||
	    (!f->is_sink && hdr->type != WIRE_COMMITTED))
		return;
	(void)frame_pass(f->other->to, hdr, payload);
	(void)frame_flush(f->other->to);
}

static inline void feed_take(struct feed *f, const struct wire_hdr *hdr, const void *payload)
{
	const struct wire_committed *done = payload;
	const struct wire_ready *ready = payload; /* wire_error has its text length at the end, too */
	const struct wire_error *error = payload;

	switch (hdr->type) {
	case WIRE_COMMITTED:
		f->flush_id = done->flush_id;
		f->rows = done->rows;
		f->commit_us = done->commit_us;
		break;
	case WIRE_READY:
		f->ready++;
		snprintf(f->text, sizeof(f->text), "%.*s", (int)ready->text_len, (const char *)(ready + 1));
		break;
	case WIRE_ERROR:
		f->errors++;
		snprintf(f->text, sizeof(f->text), "%.*s", (int)error->text_len, (const char *)(error + 1));
		break;
	case WIRE_LOSS:
		f->losses++;
		break;
	case WIRE_TICK:
		f->ticks++;
		break;
	case WIRE_DONE:
		memcpy(&f->done, payload, sizeof(f->done));
		break;
	case WIRE_SINK:
		memcpy(&f->sink, payload, sizeof(f->sink));
		break;
	default:
		break;
	}
	feed_pass(f, hdr, payload);
}

/* Read what comes back until `count` frames of `type` came or ms passed. Returns how many came. */
static inline unsigned feed_wait(struct feed *f, enum wire_type type, unsigned count, int ms)
{
	struct pollfd p = {.fd = f->out, .events = POLLIN};
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	unsigned got = 0;
	int rc;

	feed_flush(f);
	while (got < count) {
		rc = frame_next(f->from, &hdr, &payload, &why);
		if (rc < 0)
			feed_die("broken frame from the store: %s", why);
		if (rc == 1) {
			feed_take(f, hdr, payload);
			got += hdr->type == type;
			continue;
		}
		if (poll(&p, 1, ms) <= 0 || frame_fill(f->from) == 0)
			break;
	}
	return got;
}

static inline void feed_ready(struct feed *f)
{
	struct wire_ready hasher = {.stage = WIRE_STAGE_HASHER};

	feed_put(f, WIRE_READY, &hasher, sizeof(hasher), NULL, 0);
	if (feed_wait(f, WIRE_READY, 2, 5000) != 2)
		feed_die("the store is not ready");
}

/* Close a window at second `to_s` and wait until it is durable. 0: it is, -1: no answer within ms. */
static inline int feed_window_ms(struct feed *f, uint64_t to_s, int ms)
{
	static uint64_t id;
	struct wire_window w = {.from_ns = (to_s - 10) * FEED_NS, .to_ns = to_s * FEED_NS, .flush_id = ++id};

	feed_put(f, WIRE_WINDOW, &w, sizeof(w), NULL, 0);
	while (feed_wait(f, WIRE_COMMITTED, 1, ms) == 1)
		if (f->flush_id == id)
			return 0;
	return -1;
}

/* The same when it cannot be written: the heartbeat behind it comes back without the answer. */
static inline int feed_window_stays(struct feed *f, uint64_t to_s)
{
	struct wire_tick tick = {0};
	int rc = feed_window_ms(f, to_s, 0);

	feed_put(f, WIRE_TICK, &tick, sizeof(tick), NULL, 0);
	f->flush_id = 0;
	if (rc != 0 && feed_wait(f, WIRE_TICK, 1, 10000) != 1)
		feed_die("no heartbeat came back");
	return rc != 0 && f->flush_id == 0;
}

static inline void feed_window(struct feed *f, uint64_t to_s)
{
	if (feed_window_ms(f, to_s, 20000) != 0)
		feed_die("the window was not committed");
}

/* End of input; the exit code, 128 + signal. */
static inline int feed_stop(struct feed *f)
{
	int status;

	if (f->in >= 0) {
		(void)frame_flush(f->to);
		close(f->in);
	}
	frame_writer_free(f->to);
	waitpid(f->pid, &status, 0);
	frame_reader_free(f->from);
	close(f->out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A sink of that store, by the name of its program. */
static inline __attribute__((unused)) void feed_sink(struct feed *sink, struct feed *store, const char *name,
						     const char *json)
{
	feed_begin(sink, name, store->dir, json, getuid(), getgid());
	sink->is_sink = true;
	sink->other = store;
	store->other = sink;
}

/* Let the two talk for so long. */
static inline __attribute__((unused)) void feed_talk(struct feed *store, struct feed *sink, int ms)
{
	struct pollfd p[2] = {{.fd = store->out, .events = POLLIN}, {.fd = sink->out, .events = POLLIN}};
	struct timespec ts;
	int64_t end, now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
	for (end = now + ms; now < end; now = ts.tv_sec * 1000 + ts.tv_nsec / 1000000) {
		(void)feed_wait(store, WIRE__MAX, 1, 0);
		(void)feed_wait(sink, WIRE__MAX, 1, 0);
		(void)poll(p, 2, (int)(end - now));
		clock_gettime(CLOCK_MONOTONIC, &ts);
	}
}

static inline void feed_kill(struct feed *f)
{
	feed_flush(f);
	kill(f->pid, SIGKILL);
	feed_stop(f);
}

struct feed_image {
	struct wire_image_key key, parent;
	const char *path, *comm;
	const char *argv;
	size_t argv_len;
	uint64_t file_id, place_id;
	unsigned hash_error, source, flags, image_flags;
	const char *script, *app; /* NULL: none */
	uint64_t script_id;
	unsigned script_error, script_source;
	uint8_t sha; /* each byte of the hash */
	int64_t ctime_s;
	uint64_t time_s;
};

#define FEED_KEY(pid, id)                                                                                    \
	((struct wire_image_key){.tgid = (pid), .exec_id = (id), .start_ns = 1000ull * (pid)})

static inline void feed_image(struct feed *f, const struct feed_image *i)
{
	static char buf[WIRE_FRAME_MAX];
	struct wire_image *image = (void *)buf;
	struct wire_exec *exec = (void *)(image + 1);
	char *tail = (char *)(exec + 1);

	memset(buf, 0, sizeof(*image) + sizeof(*exec));
	image->file_id = i->file_id;
	image->place_id = i->place_id;
	image->hash_error = i->hash_error;
	exec->file.ctime_s = i->ctime_s;
	if (!i->hash_error)
		memset(image->sha256, i->sha, sizeof(image->sha256));
	exec->image = i->key;
	exec->parent = i->parent;
	exec->source = i->source;
	exec->flags = i->flags;
	exec->uid = 0;
	exec->netns = 4026531840u;
	exec->time_ns = (i->time_s ? i->time_s : FEED_T) * FEED_NS;
	snprintf(exec->comm, sizeof(exec->comm), "%.15s", i->comm ?: "");
	exec->path_len = i->path ? (uint16_t)(strlen(i->path) + 1) : 0;
	exec->argv_len = (uint16_t)i->argv_len;
	memcpy(tail, i->path ?: "", exec->path_len);
	memcpy(tail + exec->path_len, i->argv ?: "", i->argv_len);
	tail += exec->path_len + exec->argv_len;
	image->flags = i->image_flags;
	image->script_id = i->script_id;
	image->script_error = (uint8_t)i->script_error;
	image->script_source = (uint8_t)i->script_source;
	image->script_len = i->script ? (uint16_t)(strlen(i->script) + 1) : 0;
	image->app_len = i->app ? (uint16_t)(strlen(i->app) + 1) : 0;
	memcpy(tail, i->script ?: "", image->script_len);
	memcpy(tail + image->script_len, i->app ?: "", image->app_len);
	feed_put(f, WIRE_IMAGE, image, (size_t)(tail - buf) + image->script_len + image->app_len, NULL, 0);
}

/* A place of the cgroup of that id; each text may be NULL. */
static inline void feed_place(struct feed *f, uint64_t id, uint64_t cgroup_id, const char *runtime,
			      const char *container, const char *unit, const char *path)
{
	const char *const texts[] = {runtime, container, unit, path};
	struct wire_place place = {.id = id, .cgroup_id = cgroup_id};
	__u16 *const lens[] = {&place.runtime_len, &place.container_len, &place.unit_len, &place.path_len};
	char tail[4096];
	size_t at = 0;
	int i;

	for (i = 0; i < 4; i++) {
		*lens[i] = texts[i] ? (__u16)(strlen(texts[i]) + 1) : 0;
		memcpy(tail + at, texts[i] ?: "", *lens[i]);
		at += *lens[i];
	}
	feed_put(f, WIRE_PLACE, &place, sizeof(place), tail, at);
}

/* A program by name, child of `parent` (pid, first image; 0 = none), hash made of `sha`. */
static inline void feed_program_start(struct feed *f, unsigned pid, unsigned parent, const char *path,
				      const char *args, size_t args_len, uint8_t sha)
{
	const char *slash = strrchr(path, '/');
	struct feed_image i = {
		.key = FEED_KEY(pid, 1),
		.path = path,
		.comm = slash ? slash + 1 : path,
		.argv = args,
		.argv_len = args_len,
		.file_id = sha,
		.sha = sha,
	};

	if (parent)
		i.parent = FEED_KEY(parent, 1);
	feed_image(f, &i);
}

/* A TCP flow of pid's first image, 10.0.0.1:lport to 10.0.0.2:rport. The caller may change it and put it. */
static inline struct wire_flow feed_tcp(unsigned pid, uint16_t lport, uint16_t rport, uint64_t sent,
					uint64_t received)
{
	struct wire_flow flow = {
		.image = FEED_KEY(pid, 1),
		.cookie = (uint64_t)pid << 32 | (uint64_t)lport << 16 | rport,
		.first_ns = FEED_T * FEED_NS,
		.last_ns = (FEED_T + 3) * FEED_NS,
		.sent_bytes = sent,
		.received_bytes = received,
		.netns = 4026531840u,
		.laddr = {10, 0, 0, 1},
		.raddr = {10, 0, 0, 2},
		.lport = lport,
		.rport = rport,
		.family = AF_INET,
		.protocol = 6,
		.direction = WIRE_DIRECTION_OUT,
		.result = WIRE_RESULT_OPEN,
		.peer = WIRE_PEER_SOCKET,
	};

	return flow;
}

/* A name of an address (of a connection: see below), as told to pid's process (0: to nobody) at so many
 * seconds behind FEED_T. */
static inline __attribute__((unused)) void feed_name(struct feed *f, struct wire_name w, unsigned pid,
						     int64_t at_s, const char *text)
{
	if (pid)
		w.image = FEED_KEY(pid, 1);
	w.time_ns = (FEED_T + (uint64_t)at_s) * FEED_NS;
	w.name_len = (uint16_t)(strlen(text) + 1);
	feed_put(f, WIRE_NAME, &w, sizeof(w), text, w.name_len);
}

/* What the flow's program calls its peer. */
static inline __attribute__((unused)) void feed_claim(struct feed *f, const struct wire_flow *flow,
						      unsigned source, const char *text)
{
	struct wire_name w = {.image = flow->image,
			      .cookie = flow->cookie,
			      .family = flow->family,
			      .source = (uint8_t)source,
			      .rport = flow->rport};

	memcpy(w.addr, flow->raddr, sizeof(w.addr));
	feed_name(f, w, 0, 0, text);
}

static inline void feed_flow(struct feed *f, const struct wire_flow *flow)
{
	feed_put(f, WIRE_FLOW, flow, sizeof(*flow), NULL, 0);
}

/* The answer to a question: columns joined by |, rows by newline, NULL as NULL.
 * Constant until the next call. */
static inline const char *feed_ask_file(const char *path, const char *sql)
{
	static char answer[1 << 16];
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;
	size_t n = 0;
	int i, rc;

	answer[0] = '\0';
	rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL);
	sqlite3_busy_timeout(db, 2000);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
	while (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
		for (i = 0; i < sqlite3_column_count(stmt) && n < sizeof(answer); i++)
			n += (size_t)snprintf(answer + n, sizeof(answer) - n, "%s%s",
					      n == 0 ? ""
					      : i    ? "|"
						     : "\n",
					      (const char *)sqlite3_column_text(stmt, i) ?: "NULL");
	if (sqlite3_errcode(db) != SQLITE_OK && sqlite3_errcode(db) != SQLITE_DONE)
		snprintf(answer, sizeof(answer), "error: %s", sqlite3_errmsg(db));
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return answer;
}

static inline const char *feed_ask(const struct feed *f, const char *sql)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/snitch.db", f->dir);
	return feed_ask_file(path, sql);
}

/* The same directory, after an end in order. */
static inline __attribute__((unused)) void feed_restart(struct feed *f, const char *dir, const char *settings)
{
	if (feed_stop(f) != 0)
		feed_die("the store did not end in order");
	feed_start(f, dir, settings);
	feed_ready(f);
}

/* Ask until the answer comes or so many seconds have passed. */
static inline __attribute__((unused)) void feed_within(struct feed *f, int seconds, const char *sql,
						       const char *expected)
{
	struct timespec pause = {.tv_nsec = 20000000};
	int i;

	feed_flush(f);
	for (i = 0; i < 50 * seconds && strcmp(feed_ask(f, sql), expected) != 0; i++)
		nanosleep(&pause, NULL);
	if (strcmp(feed_ask(f, sql), expected) != 0)
		feed_die("%s: %s, not %s", sql, feed_ask(f, sql), expected);
}

#endif
