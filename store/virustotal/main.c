// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - femtosnitch-virustotal, a sink: asks VirusTotal about contents, one at a time and not more often
 * than the settings allow, over restarts too. It keeps no privileges and writes nothing but when it last
 * asked; verdicts go to the store. A request blocks it, and nobody else.
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
#include "store/virustotal/upload.h"

#define OUT_BOUND (64 * 1024)
#define LOOK_S 3600	     /* without having been told of something new */
#define SETTLE_S 2	     /* a verdict we sent is in snitch.db by then */
#define BACK_OFF_S 30	     /* after a failure; then twice as long each time */
#define BACK_OFF_MAX_S 14400 /* four hours */

struct sink {
	struct stage stage;
	struct http *http;
	struct upload upload;
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
	upload_end(&s->upload); /* it may not be wanted any more; if it is, it comes again */
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

/* How what was asked about ended. */
static void answered(struct sink *s, enum ask_result result, const uint8_t sha256[WIRE_SHA256_SIZE],
		     const struct ask_answer *answer)
{
	switch (result) {
	case ASK_VERDICT:
		if (s->failures > 3)
			(void)stage_error(&s->stage, "VirusTotal answers again");
		s->failures = s->back_off_s = 0;
		send_verdict(s, sha256, answer);
		s->look_s = now_s() + SETTLE_S;
		break;
	case ASK_LATER:
		failed(s, sha256, answer);
		break;
	case ASK_REFUSED:
		s->refused = true;
		(void)stage_error(&s->stage,
				  "VirusTotal: %s: nothing is asked until config.json is read again",
				  answer->detail);
		break;
	case ASK_GO_ON: /* with the next request */
		break;
	}
}

static void not_uploaded(struct sink *s, const uint8_t sha256[WIRE_SHA256_SIZE], const char *why)
{
	struct ask_answer answer = {0};

	ask_not_uploaded(&answer, why);
	upload_end(&s->upload);
	answered(s, ASK_VERDICT, sha256, &answer);
}

/* What is not known there, and may be uploaded, and was not yet. */
static enum ask_result looked_up(struct sink *s, const struct queue_item *item, struct ask_answer *answer)
{
	if (answer->verdict != WIRE_VERDICT_UNKNOWN)
		return ASK_VERDICT;
	if (item->uploaded_s) {
		answer->verdict = WIRE_VERDICT_UPLOADED;
		snprintf(answer->detail, sizeof(answer->detail), "uploaded, its analysis is awaited");
		return ASK_VERDICT;
	}
	if (!answer->unheard_of || !s->stage.settings.vt_file_upload)
		return ASK_VERDICT;
	if (upload_order(&s->upload, &s->stage, item->sha256, item->exe, now_s()))
		return ASK_GO_ON;
	ask_not_uploaded(answer, "nobody can hand it over");
	return ASK_VERDICT;
}

/* One request: about item, or (NULL) the next one of the upload. */
static void request(struct sink *s, const struct queue_item *item)
{
	const struct settings *settings = &s->stage.settings;
	struct ask ask = {.http = s->http, .base = settings->vt_api_url};
	uint8_t sha256[WIRE_SHA256_SIZE];
	struct ask_answer answer;
	enum ask_result result;
	int64_t now = now_s();
	char key[256];

	ask.key = key;
	if (!read_key(settings, key, sizeof(key))) {
		s->refused = true;
		(void)stage_error(&s->stage,
				  "VirusTotal: the file of \"VT API key\" cannot be read by us, or is empty");
		return;
	}
	queue_requested(s->stage.state_dir, now);
	s->not_before_s = now + pause_s(settings);
	memcpy(sha256, item ? item->sha256 : s->upload.sha256, sizeof(sha256));
	result = item ? ask_lookup(&ask, sha256, &answer) : upload_step(&s->upload, &ask, &answer);
	explicit_bzero(key, sizeof(key));
	malloc_trim(0); /* an answer may have been long, and the next one is far away */
	if (item && result == ASK_VERDICT)
		result = looked_up(s, item, &answer);
	else if (!item && result != ASK_GO_ON)
		upload_end(&s->upload);
	answered(s, result, sha256, &answer);
}

/* The queue waits for an upload to end. Unix seconds of when there is more to do. */
static int64_t go_on(struct sink *s, int64_t now)
{
	uint8_t sha256[WIRE_SHA256_SIZE];

	memcpy(sha256, s->upload.sha256, sizeof(sha256));
	if (s->upload.state == UPLOAD_ORDERED && now >= s->upload.until_s)
		not_uploaded(s, sha256, "nobody handed it over");
	if (s->upload.state == UPLOAD_READY && now >= s->not_before_s)
		request(s, NULL);
	return s->upload.state == UPLOAD_ORDERED ? s->upload.until_s
	       : s->upload.state == UPLOAD_READY ? s->not_before_s
						 : s->look_s;
}

static void look(struct sink *s, int64_t now)
{
	struct queue_item item;
	int64_t due;
	int rc = queue_next(s->stage.state_dir, now, s->failures ? s->failed : NULL, &item, &due);

	s->look_s = due > now && due < now + LOOK_S ? due : now + LOOK_S;
	if (rc < 0)
		s->look_s = now + BACK_OFF_S;
	if (rc == 1)
		request(s, &item);
}

/* Milliseconds until there is something to do. */
static int work(struct sink *s)
{
	int64_t now = now_s(), due;

	if (s->refused || s->stage.settings.vt_api_key[0] == '\0')
		return -1;
	if (s->upload.state == UPLOAD_NONE && now >= s->look_s && now >= s->not_before_s)
		look(s, now);
	due = s->look_s > s->not_before_s ? s->look_s : s->not_before_s;
	if (s->upload.state != UPLOAD_NONE)
		due = go_on(s, now);
	now = now_s();
	return due > now ? (int)(due - now) * 1000 : 1000;
}

static void fetched(struct sink *s, const struct wire_fetched *answer)
{
	const char *why = upload_fetched(&s->upload, &s->stage, answer);

	if (why)
		not_uploaded(s, answer->sha256, why);
}

static void take(void *arg, const struct wire_hdr *hdr, const void *payload)
{
	struct sink *s = arg;

	if (hdr->type == WIRE_SETTINGS && stage_settings(&s->stage, payload) == 0)
		settings_changed(s);
	if (hdr->type == WIRE_EVENT && s->look_s > now_s())
		s->look_s = now_s();
	if (hdr->type == WIRE_FETCHED)
		fetched(s, payload);
}

int main(int argc, char **argv)
{
	struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.fd = 1, .events = POLLOUT}};
	static struct sink s;
	int wait;

	mallopt(M_ARENA_MAX, 1);
	stage_start(&s.stage, WIRE_STAGE_VIRUSTOTAL, OUT_BOUND, argc, argv);
	sandbox_drop(s.stage.uid, s.stage.gid, 0);
	if (!(s.http = http_open()))
		fatalx("no HTTP client");
	settings_changed(&s);
	do {
		wait = work(&s);
		(void)frame_flush(s.stage.out);
		fds[1].fd = frame_pending(s.stage.out) ? 1 : -1;
		if (poll(fds, 2, wait) < 0 && errno != EINTR)
			fatal("poll");
	} while (!fds[0].revents || stage_take(&s.stage, take, &s));
	upload_end(&s.upload);
	http_close(s.http);
	frame_reader_free(s.stage.in);
	frame_writer_free(s.stage.out);
	settings_free(&s.stage.settings);
	return 0;
}
