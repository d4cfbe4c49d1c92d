// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sink.c - see sink.h. The other process may hang or flood: its pipe is read without waiting, what it is told
 * fits a small buffer or is left out (one wake is as good as ten), and it is killed, not asked.
 */
#include "store/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/log.h"
#include "config/process.h"
#include "config/utf8.h"

#define PROGRAM "femtosnitch-postgres"
#define NAME "postgres"
#define AGAIN_MIN_MS 1000
#define AGAIN_MAX_MS 60000
#define BOUND (WIRE_FRAME_MAX + 4096)

struct sink {
	struct stage *stage;
	sink_error_fn *error;
	void *arg;
	pid_t pid; /* 0 = does not run */
	int in, out;
	struct frame_writer *to;
	struct frame_reader *from;
	int64_t acked, kept; /* in memory, in snitch.db */
	int64_t kept_ms;     /* when that was, or when there was nothing to keep */
	int64_t again_ms, wait_ms;
};

struct sink *sink_new(struct stage *stage, sink_error_fn *error, void *arg)
{
	struct sink *s = calloc(1, sizeof(*s));

	if (s) {
		s->stage = stage;
		s->error = error;
		s->arg = arg;
		s->in = s->out = -1;
	}
	return s;
}

bool sink_wanted(const struct sink *s)
{
	const char *server = s->stage->settings.sql_server;

	return server && strcmp(server, "{}") != 0;
}

static void close_pipes(struct sink *s)
{
	frame_writer_free(s->to);
	frame_reader_free(s->from);
	s->to = NULL;
	s->from = NULL;
	if (s->in >= 0)
		close(s->in);
	if (s->out >= 0)
		close(s->out);
	s->in = s->out = -1;
}

static void end(struct sink *s)
{
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	s->pid = 0;
	close_pipes(s);
}

void sink_free(struct sink *s)
{
	if (!s)
		return;
	end(s);
	free(s);
}

/* ---- start */

static void become(const struct sink *s, const char *path, int in, int out, pid_t parent)
{
	char uid[16], gid[16];
	char *argv[] = {(char *)path,
			"--state-dir",
			(char *)s->stage->state_dir,
			"--log-dir",
			(char *)s->stage->log_dir,
			"--uid",
			uid,
			"--gid",
			gid,
			NULL};

	snprintf(uid, sizeof(uid), "%u", s->stage->uid);
	snprintf(gid, sizeof(gid), "%u", s->stage->gid);
	/* it does not outlive us, however we end */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(127);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0)
		_exit(127);
	(void)close_range(3, ~0U, 0);
	execv(path, argv);
	log_warn("%s", path);
	_exit(127);
}

/* Beside us. */
static bool program(char path[PATH_MAX])
{
	char self[PATH_MAX] = "";

	return readlink("/proc/self/exe", self, sizeof(self) - 1) > 0 &&
	       snprintf(path, PATH_MAX, "%s/" PROGRAM, dirname(self)) < PATH_MAX;
}

static int make_pipes(int to[2], int from[2])
{
	if (pipe2(to, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(from, O_CLOEXEC) < 0) {
		close(to[0]);
		close(to[1]);
		return -errno;
	}
	return 0;
}

/* Of the settings only what it needs: they fit a frame with the one key. */
static void tell_begin(struct sink *s)
{
	struct wire_settings head = {.generation = s->stage->settings_generation};
	struct wire_sink from = {.seq = (uint64_t)s->acked, .sink = WIRE_SINK_POSTGRES};
	char *text = NULL;
	int n = asprintf(&text, "{\"DB sql server\": %s}", s->stage->settings.sql_server);

	if (n < 0)
		return;
	head.text_len = (uint32_t)n;
	(void)frame_put(s->to, WIRE_SETTINGS, &head, sizeof(head), text, head.text_len);
	(void)frame_put(s->to, WIRE_SINK, &from, sizeof(from), NULL, 0);
	(void)frame_flush(s->to);
	explicit_bzero(text, (size_t)n);
	free(text);
}

static void start(struct sink *s)
{
	int to[2] = {-1, -1}, from[2] = {-1, -1};
	pid_t parent = getpid();
	char path[PATH_MAX];

	if (!program(path) || make_pipes(to, from) != 0) {
		log_warnx(PROGRAM " cannot be started");
		return;
	}
	s->pid = fork();
	if (s->pid == 0)
		become(s, path, to[0], from[1], parent);
	close(to[0]);
	close(from[1]);
	s->in = to[1];
	s->out = from[0];
	s->to = frame_writer_new(s->in, BOUND);
	s->from = frame_reader_new(s->out);
	if (s->pid < 0 || !s->to || !s->from) {
		log_warnx(PROGRAM " cannot be started");
		end(s);
		return;
	}
	tell_begin(s);
}

void sink_begin(struct sink *s, struct sqlite *db)
{
	end(s);
	s->wait_ms = s->again_ms = 0;
	s->acked = s->kept = sqlite_number(db, "SELECT seq FROM sink WHERE name = '" NAME "'", 0);
	s->kept_ms = process_now_ms();
	if (sink_wanted(s) && db->db)
		start(s);
}

void sink_wake(struct sink *s)
{
	struct wire_committed done = {0};

	if (s->pid == 0 || frame_pending(s->to) > 0)
		return;
	(void)frame_put(s->to, WIRE_COMMITTED, &done, sizeof(done), NULL, 0);
	(void)frame_flush(s->to);
}

int64_t sink_acked(const struct sink *s)
{
	return sink_wanted(s) ? s->acked : INT64_MAX;
}

int sink_fd(const struct sink *s)
{
	return s->out;
}

/* ---- what it says */

static void take_frame(struct sink *s, const struct wire_hdr *hdr, const void *payload)
{
	const struct wire_sink *said = payload;

	if (hdr->type == WIRE_SINK) {
		if ((int64_t)said->seq > s->acked)
			s->acked = (int64_t)said->seq;
		s->wait_ms = 0;
	}
	if (hdr->type == WIRE_ERROR)
		s->error(s->arg, payload);
	if (hdr->type == WIRE_SINK || hdr->type == WIRE_ERROR)
		(void)frame_pass(s->stage->out, hdr, payload);
}

static void died(struct sink *s, const char *why)
{
	end(s);
	s->wait_ms = s->wait_ms ? 2 * s->wait_ms : AGAIN_MIN_MS;
	if (s->wait_ms > AGAIN_MAX_MS)
		s->wait_ms = AGAIN_MAX_MS;
	s->again_ms = process_now_ms() + s->wait_ms;
	log_warnx(PROGRAM " %s: started again in %d s", why, (int)(s->wait_ms / 1000));
	(void)stage_error(s->stage, "PostgreSQL: " PROGRAM " %s: started again", why);
}

static void take_frames(struct sink *s)
{
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	int rc;

	for (;;) {
		while ((rc = frame_next(s->from, &hdr, &payload, &why)) == 1)
			take_frame(s, hdr, payload);
		if (rc < 0) {
			died(s, why);
			return;
		}
		rc = frame_fill(s->from);
		if (rc == 1)
			continue;
		if (rc != -EAGAIN)
			died(s, "ended");
		return;
	}
}

/* ---- how far it got */

int sink_keep(struct sink *s, struct sqlite *db)
{
	static const char set[] = "INSERT INTO sink(name, seq) VALUES('" NAME "', ?1)"
				  " ON CONFLICT(name) DO UPDATE SET seq = excluded.seq WHERE ?2";

	return s->acked > s->kept ? sqlite_run2(db, set, s->acked, 1) : 0;
}

void sink_kept(struct sink *s)
{
	s->kept = s->acked;
	s->kept_ms = process_now_ms();
}

static void keep_now(struct sink *s, struct sqlite *db)
{
	if (sqlite_begin(db) != 0)
		return;
	if (sink_keep(s, db) == 0 && sqlite_commit(db) == 0)
		sink_kept(s);
	else
		sqlite_rollback(db);
}

static bool keep_due(const struct sink *s, int64_t now)
{
	return s->acked > s->kept &&
	       (s->acked - s->kept >= SINK_KEEP_WINDOWS || now - s->kept_ms >= SINK_KEEP_S * 1000);
}

void sink_end(struct sink *s, struct sqlite *db)
{
	if (s->pid > 0)
		take_frames(s);
	end(s);
	if (s->acked > s->kept && db->db)
		keep_now(s, db);
}

int sink_serve(struct sink *s, struct sqlite *db)
{
	int64_t now = process_now_ms(), at = -1;

	if (s->pid > 0)
		take_frames(s);
	if (s->pid == 0 && sink_wanted(s) && db->db && s->again_ms && now >= s->again_ms)
		start(s);
	if (s->pid > 0)
		(void)frame_flush(s->to);
	if (keep_due(s, now) && db->db)
		keep_now(s, db);
	if (s->pid == 0 && sink_wanted(s) && s->again_ms)
		at = s->again_ms;
	if (s->acked > s->kept && (at < 0 || s->kept_ms + SINK_KEEP_S * 1000 < at))
		at = s->kept_ms + SINK_KEEP_S * 1000;
	if (at < 0)
		return -1;
	return at > now ? (int)(at - now) : 1000; /* a database that cannot be written is asked again */
}
