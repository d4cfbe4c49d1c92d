// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sinks.c - see sinks.h.
 */
#include "config/sinks.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config/chain.h"
#include "config/frame.h"
#include "config/log.h"
#include "config/settings.h"
#include "config/wire_check.h"

#define AGAIN_MS 1000 /* the first time; then twice as long each time */
#define AGAIN_MAX_MS 300000
#define WELL_MS 600000 /* after so long, the next death is a first one */

#define BIT(type) (UINT64_C(1) << (type))

static bool wants_notices(const struct settings *s)
{
	return s->desktop_notifications;
}

static bool wants_virustotal(const struct settings *s)
{
	return s->vt_api_key[0] != '\0';
}

static bool wants_postgres(const struct settings *s)
{
	return settings_copied_to(s, WIRE_STAGE_POSTGRES);
}

static bool wants_mariadb(const struct settings *s)
{
	return settings_copied_to(s, WIRE_STAGE_MARIADB);
}

static bool wants_reverse(const struct settings *s)
{
	return s->reverse_lookup && s->log_addresses;
}

static const struct row {
	enum wire_stage stage;
	uint64_t types; /* of frames, beside the settings */
	uint64_t says;	/* beside errors */
	bool (*wanted)(const struct settings *);
} rows[] = {
	{WIRE_STAGE_NOTICES, BIT(WIRE_EVENT), BIT(WIRE_ORDER), wants_notices},
	{WIRE_STAGE_VIRUSTOTAL, BIT(WIRE_EVENT) | BIT(WIRE_FETCHED), BIT(WIRE_VERDICT) | BIT(WIRE_FETCH),
	 wants_virustotal},
	{WIRE_STAGE_POSTGRES, BIT(WIRE_COMMITTED), BIT(WIRE_SINK), wants_postgres},
	{WIRE_STAGE_MARIADB, BIT(WIRE_COMMITTED), BIT(WIRE_SINK), wants_mariadb},
	{WIRE_STAGE_REVERSE, BIT(WIRE_LOOKUP), BIT(WIRE_NAME), wants_reverse},
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))
_Static_assert(N_ROWS <= SINKS_MAX, "there is room to poll each");
_Static_assert(WIRE__MAX <= 64, "a bit for each type");

struct sink {
	pid_t pid; /* 0: does not run */
	int in, out;
	int handover; /* its end of a socket, -1 = none */
	struct frame_writer *to;
	struct frame_reader *from;
	bool wanted;
	int64_t started_ms, again_ms; /* when it is to be started; of a wanted one that does not run */
	int64_t pause_ms;
	unsigned deaths;
};

struct sinks {
	const struct options *options;
	uid_t uid;
	gid_t gid;
	sinks_heard *heard;
	void *arg;
	struct sink sink[N_ROWS];
	char *settings;
	size_t settings_len;
	unsigned generation;
	bool stopping;
};

struct sinks *sinks_new(const struct options *o, uid_t uid, gid_t gid, sinks_heard *heard, void *arg)
{
	struct sinks *s = calloc(1, sizeof(*s));
	size_t i;

	if (!s)
		return NULL;
	s->options = o;
	s->uid = uid;
	s->gid = gid;
	s->heard = heard;
	s->arg = arg;
	for (i = 0; i < N_ROWS; i++)
		s->sink[i].in = s->sink[i].out = s->sink[i].handover = -1;
	return s;
}

void sinks_handover(struct sinks *s, enum wire_stage stage, int fd)
{
	size_t i;

	for (i = 0; i < N_ROWS; i++)
		if (rows[i].stage == stage)
			s->sink[i].handover = fd;
}

static void hang_up(struct sink *k)
{
	frame_writer_free(k->to);
	frame_reader_free(k->from);
	k->to = NULL;
	k->from = NULL;
	if (k->in >= 0)
		close(k->in);
	if (k->out >= 0)
		close(k->out);
	k->in = k->out = -1;
}

void sinks_free(struct sinks *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; i < N_ROWS; i++) {
		hang_up(&s->sink[i]);
		if (s->sink[i].handover >= 0)
			close(s->sink[i].handover);
		if (s->sink[i].pid > 0 && waitpid(s->sink[i].pid, NULL, WNOHANG) == 0) {
			kill(s->sink[i].pid, SIGKILL);
			waitpid(s->sink[i].pid, NULL, 0);
		}
	}
	free(s->settings);
	free(s);
}

static void put_settings(struct sinks *s, struct sink *k)
{
	struct wire_settings head = {.generation = s->generation, .text_len = (__u32)s->settings_len};

	if (frame_put(k->to, WIRE_SETTINGS, &head, sizeof(head), s->settings, s->settings_len) == 0)
		(void)frame_flush(k->to);
}

static void later(struct sink *k, int64_t now_ms)
{
	if (k->pause_ms == 0 || (k->started_ms && now_ms - k->started_ms > WELL_MS))
		k->pause_ms = AGAIN_MS;
	else if (k->pause_ms < AGAIN_MAX_MS)
		k->pause_ms *= 2;
	k->again_ms = now_ms + k->pause_ms;
}

static void start(struct sinks *s, size_t i, int64_t now_ms)
{
	struct chain_start what = {.options = s->options, .uid = s->uid, .gid = s->gid};
	struct sink *k = &s->sink[i];
	int to[2] = {-1, -1}, from[2] = {-1, -1};
	char path[OPTIONS_PATH_MAX + 64];
	pid_t pid = -ENFILE;

	snprintf(path, sizeof(path), "%s/femtosnitch-%s", s->options->bin_dir,
		 wire_stage_name(rows[i].stage));
	if (access(path, F_OK) < 0) {
		log_info("%s is not installed", path);
		k->wanted = false;
		return;
	}
	if (chain_pipe(to) == 0 && chain_pipe(from) == 0) {
		what.in = to[0];
		what.out = from[1];
		what.handover = k->handover;
		pid = chain_spawn(wire_stage_name(rows[i].stage), &what);
	}
	if (to[0] >= 0)
		close(to[0]);
	if (from[1] >= 0)
		close(from[1]);
	k->in = to[1];
	k->out = from[0];
	k->started_ms = now_ms;
	if (pid > 0) {
		k->to = frame_writer_new(k->in, SINKS_BOUND);
		k->from = frame_reader_new(k->out);
		k->pid = pid;
	}
	if (pid > 0 && k->to && k->from) {
		put_settings(s, k);
		return;
	}
	hang_up(k);
	later(k, now_ms);
}

void sinks_settings(struct sinks *s, unsigned generation, const char *text, size_t len, int64_t now_ms)
{
	char *copy = malloc(len ? len : 1);
	struct settings settings;
	size_t i;

	if (!copy || settings_parse(&settings, "settings", text, len, NULL, NULL, NULL) != 0) {
		free(copy);
		return;
	}
	memcpy(copy, text, len);
	free(s->settings);
	s->settings = copy;
	s->settings_len = len;
	s->generation = generation;
	for (i = 0; i < N_ROWS && !s->stopping; i++) {
		struct sink *k = &s->sink[i];

		k->wanted = rows[i].wanted(&settings);
		if (k->pid && k->wanted)
			put_settings(s, k);
		else if (k->pid)
			hang_up(k); /* it ends */
		else if (k->wanted)
			start(s, i, now_ms);
	}
	settings_free(&settings);
}

void sinks_pass(struct sinks *s, const struct wire_hdr *hdr, const void *payload)
{
	size_t i;

	for (i = 0; i < N_ROWS; i++)
		if (s->sink[i].to && rows[i].types & BIT(hdr->type)) {
			(void)frame_pass(s->sink[i].to, hdr, payload);
			(void)frame_flush(s->sink[i].to);
		}
}

size_t sinks_poll(const struct sinks *s, struct pollfd *fds)
{
	size_t i, n = 0;

	for (i = 0; i < N_ROWS; i++) {
		const struct sink *k = &s->sink[i];

		if (k->from)
			fds[n++] = (struct pollfd){.fd = k->out, .events = POLLIN};
		if (k->to && frame_pending(k->to) > 0)
			fds[n++] = (struct pollfd){.fd = k->in, .events = POLLOUT};
	}
	return n;
}

/* Is that for this one to say? It reads bytes of strangers, and may be theirs: of names, one that no other
 * source can be mistaken for. */
static bool may_say(const struct row *row, const struct wire_hdr *hdr, const void *payload)
{
	if (hdr->type == WIRE_NAME && ((const struct wire_name *)payload)->source != WIRE_NAME_PTR)
		return false;
	return (row->says | BIT(WIRE_ERROR)) & BIT(hdr->type);
}

static void hear(struct sinks *s, struct sink *k, const struct row *row)
{
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	int got = frame_fill(k->from), rc;

	while ((rc = frame_next(k->from, &hdr, &payload, &why)) > 0)
		if (may_say(row, hdr, payload))
			s->heard(s->arg, hdr, payload);
	if (rc < 0)
		log_warnx("%s: broken frame: %s", wire_stage_name(row->stage), why);
	if (rc < 0 || got == 0 || (got < 0 && got != -EAGAIN))
		hang_up(k); /* at the latest now it ends */
}

void sinks_serve(struct sinks *s, const struct pollfd *fds, size_t n)
{
	size_t at, i;

	for (at = 0; at < n; at++) {
		if (fds[at].revents == 0)
			continue;
		for (i = 0; i < N_ROWS; i++) {
			struct sink *k = &s->sink[i];

			if (k->from && fds[at].fd == k->out)
				hear(s, k, &rows[i]);
			else if (k->to && fds[at].fd == k->in)
				(void)frame_flush(k->to);
		}
	}
}

/* To the log and, down the chain, to whoever reads error.log or a desktop. */
static void say(struct sinks *s, enum wire_stage stage, const char *text)
{
	struct {
		struct wire_error head;
		char text[256];
	} error = {.head.stage = stage};
	struct wire_hdr hdr = {.version = WIRE_VERSION, .type = WIRE_ERROR};
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	error.head.time_ns = (wire_ns)now.tv_sec * 1000000000u + (wire_ns)now.tv_nsec;
	error.head.text_len = (__u32)snprintf(error.text, sizeof(error.text), "%s", text);
	hdr.len = (__u32)sizeof(error.head) + error.head.text_len;
	s->heard(s->arg, &hdr, &error);
}

void sinks_reap(struct sinks *s, int64_t now_ms)
{
	char how[80], text[160];
	size_t i;
	int status;

	for (i = 0; i < N_ROWS; i++) {
		struct sink *k = &s->sink[i];

		if (k->pid == 0 || waitpid(k->pid, &status, WNOHANG) != k->pid)
			continue;
		hang_up(k);
		chain_describe(status, how, sizeof(how));
		if (!s->stopping && k->wanted) {
			k->deaths++;
			later(k, now_ms);
			snprintf(text, sizeof(text),
				 "femtosnitch-%s %s: it is started again; logging goes on",
				 wire_stage_name(rows[i].stage), how);
			say(s, rows[i].stage, text);
		} else if (!s->stopping) {
			log_info("femtosnitch-%s %s", wire_stage_name(rows[i].stage), how);
		}
		k->pid = 0;
	}
}

void sinks_tick(struct sinks *s, int64_t now_ms)
{
	size_t i;

	for (i = 0; i < N_ROWS && !s->stopping; i++)
		if (s->sink[i].wanted && s->sink[i].pid == 0 && now_ms >= s->sink[i].again_ms)
			start(s, i, now_ms);
}

int sinks_timeout_ms(const struct sinks *s, int64_t now_ms)
{
	int64_t wait = -1, left;
	size_t i;

	for (i = 0; i < N_ROWS && !s->stopping; i++) {
		if (!s->sink[i].wanted || s->sink[i].pid)
			continue;
		left = s->sink[i].again_ms > now_ms ? s->sink[i].again_ms - now_ms : 0;
		if (wait < 0 || left < wait)
			wait = left;
	}
	return (int)wait;
}

void sinks_stop(struct sinks *s)
{
	size_t i;

	s->stopping = true;
	for (i = 0; i < N_ROWS; i++)
		hang_up(&s->sink[i]);
}

pid_t sinks_pid(const struct sinks *s, size_t which)
{
	return which < N_ROWS ? s->sink[which].pid : 0;
}

void sinks_print(const struct sinks *s, FILE *f)
{
	size_t i;

	for (i = 0; i < N_ROWS; i++) {
		const struct sink *k = &s->sink[i];
		const char *name = wire_stage_name(rows[i].stage);

		if (k->pid)
			fprintf(f, "sink %s: pid %d, died %u times\n", name, (int)k->pid, k->deaths);
		else if (k->wanted)
			fprintf(f, "sink %s: waits to be started again, died %u times\n", name, k->deaths);
	}
}
