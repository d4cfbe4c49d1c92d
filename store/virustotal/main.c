// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - femtosnitch-virustotal, a sink: asks VirusTotal about contents, one at a time and not more often
 * than the settings allow, over restarts too. It keeps no privileges and writes nothing but when it last
 * asked; verdicts go to the store. A request blocks it, ASK_WHOLE_S at most, and nobody else.
 */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/log.h"
#include "config/sandbox.h"
#include "config/stage.h"
#include "store/virustotal/ask.h"
#include "store/virustotal/queue.h"

#define OUT_BOUND (64 * 1024)
#define LOOK_S 3600	     /* without having been told of something new */
#define SETTLE_S 2	     /* a verdict we sent is in snitch.db by then */
#define BACK_OFF_S 30	     /* after a failure; then twice as long each time */
#define BACK_OFF_MAX_S 14400 /* four hours */

struct sink {
	struct stage stage;
	struct ask *ask;
	int64_t not_before_s;		  /* the next request */
	int64_t look_s;			  /* the next look at the queue */
	unsigned back_off_s;		  /* 0: all is well */
	unsigned failures;		  /* in a row */
	uint8_t failed[WIRE_SHA256_SIZE]; /* what the last was about */
	bool refused;			  /* the key is not taken: until there are other settings */
};

static int64_t now_s(void)
{
	return (int64_t)(stage_now() / 1000000000u);
}

/* Whole seconds are counted: one more, or it could be less than was asked for. */
static int64_t pause_s(const struct settings *settings)
{
	return settings->vt_request_limit_s ? settings->vt_request_limit_s + 1 : 0;
}

static void settings_changed(struct sink *s)
{
	int64_t last = queue_last_request(s->stage.state_dir), now = now_s();

	s->refused = false;
	s->not_before_s = last > now ? now : last; /* of a clock that was wrong then */
	s->not_before_s += pause_s(&s->stage.settings);
	s->look_s = 0;
}

static void send_verdict(struct sink *s, const uint8_t sha256[WIRE_SHA256_SIZE],
			 const struct ask_answer *answer)
{
	struct wire_verdict verdict = {.time_s = now_s(), .kind = answer->verdict};

	memcpy(verdict.sha256, sha256, sizeof(verdict.sha256));
	verdict.text_len = (__u32)strlen(answer->detail);
	(void)frame_put(s->stage.out, WIRE_VERDICT, &verdict, sizeof(verdict), answer->detail,
			verdict.text_len);
}

/* Said once when it begins; the queue waits. */
static void failed(struct sink *s, const uint8_t sha256[WIRE_SHA256_SIZE], const struct ask_answer *answer)
{
	memcpy(s->failed, sha256, sizeof(s->failed));
	s->back_off_s = s->back_off_s ? s->back_off_s * 2 : BACK_OFF_S;
	if (s->back_off_s > BACK_OFF_MAX_S)
		s->back_off_s = BACK_OFF_MAX_S;
	if (s->failures++ == 3)
		(void)stage_error(&s->stage, "VirusTotal cannot be asked: %s; tried again", answer->detail);
	log_info("VirusTotal: %s", answer->detail);
	s->not_before_s = now_s() + (answer->wait_s > s->back_off_s ? answer->wait_s : s->back_off_s);
	s->look_s = s->not_before_s;
}

/* The key, or the first line of the file it names. False: there is none. */
static bool read_key(const struct settings *settings, char *key, size_t size)
{
	FILE *file;
	bool got;

	if (settings->vt_api_key[0] != '/')
		return snprintf(key, size, "%s", settings->vt_api_key) < (int)size && key[0];
	file = fopen(settings->vt_api_key, "re");
	got = file && fgets(key, (int)size, file);
	if (file)
		fclose(file);
	if (got)
		key[strcspn(key, "\r\n")] = '\0';
	return got && key[0];
}

static void request(struct sink *s, const uint8_t sha256[WIRE_SHA256_SIZE])
{
	const struct settings *settings = &s->stage.settings;
	struct ask_answer answer;
	int64_t now = now_s();
	char key[256];

	if (!read_key(settings, key, sizeof(key))) {
		s->refused = true;
		(void)stage_error(&s->stage,
				  "VirusTotal: the file of \"VT API key\" cannot be read by us, or is empty");
		return;
	}
	queue_requested(s->stage.state_dir, now);
	s->not_before_s = now + pause_s(settings);
	switch (ask_lookup(s->ask, settings->vt_api_url, key, sha256, &answer)) {
	case ASK_VERDICT:
		if (s->failures > 3)
			(void)stage_error(&s->stage, "VirusTotal answers again");
		s->failures = s->back_off_s = 0;
		send_verdict(s, sha256, &answer);
		s->look_s = now_s() + SETTLE_S;
		break;
	case ASK_LATER:
		failed(s, sha256, &answer);
		break;
	case ASK_REFUSED:
		s->refused = true;
		(void)stage_error(&s->stage,
				  "VirusTotal: %s: nothing is asked until config.json is read again",
				  answer.detail);
		break;
	}
	explicit_bzero(key, sizeof(key));
}

/* Milliseconds until there is something to do. */
static int work(struct sink *s)
{
	uint8_t sha256[WIRE_SHA256_SIZE];
	int64_t now = now_s(), due = 0;
	int rc;

	if (s->refused || s->stage.settings.vt_api_key[0] == '\0')
		return -1;
	if (now >= s->look_s && now >= s->not_before_s) {
		rc = queue_next(s->stage.state_dir, now, s->failures ? s->failed : NULL, sha256, &due);
		s->look_s = due > now && due < now + LOOK_S ? due : now + LOOK_S;
		if (rc < 0)
			s->look_s = now + BACK_OFF_S;
		if (rc == 1)
			request(s, sha256);
		now = now_s();
	}
	due = s->look_s > s->not_before_s ? s->look_s : s->not_before_s;
	return due > now ? (int)(due - now) * 1000 : 1000;
}

/* False at the end of input. */
static bool take_frames(struct sink *s)
{
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	int rc, got = frame_fill(s->stage.in);

	while ((rc = frame_next(s->stage.in, &hdr, &payload, &why)) > 0) {
		if (hdr->type == WIRE_SETTINGS && stage_settings(&s->stage, payload) == 0)
			settings_changed(s);
		if (hdr->type == WIRE_EVENT && s->look_s > now_s())
			s->look_s = now_s();
	}
	if (rc < 0)
		fatalx("broken frame: %s", why);
	return got > 0 || got == -EAGAIN;
}

int main(int argc, char **argv)
{
	struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.fd = 1, .events = POLLOUT}};
	static struct sink s;
	int wait;

	mallopt(M_ARENA_MAX, 1);
	stage_start(&s.stage, WIRE_STAGE_VIRUSTOTAL, OUT_BOUND, argc, argv);
	sandbox_drop(s.stage.uid, s.stage.gid, 0);
	if (!(s.ask = ask_open()))
		fatalx("no HTTP client");
	settings_changed(&s);
	do {
		wait = work(&s);
		(void)frame_flush(s.stage.out);
		fds[1].fd = frame_pending(s.stage.out) ? 1 : -1;
		if (poll(fds, 2, wait) < 0 && errno != EINTR)
			fatal("poll");
	} while (!fds[0].revents || take_frames(&s));
	ask_close(s.ask);
	frame_reader_free(s.stage.in);
	frame_writer_free(s.stage.out);
	settings_free(&s.stage.settings);
	return 0;
}
