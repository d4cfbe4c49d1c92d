// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * head.c - see head.h.
 */
#include "config/head.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/credential.h"
#include "config/frame.h"
#include "config/log.h"
#include "config/notify.h"
#include "config/settings.h"

#define TICK_MS 5000
#define HEAD_BOUND 262144 /* settings of some reloads that the collector has not read yet */

struct head {
	struct frame_writer *writer;
	unsigned generation;
	char *text; /* of the settings */
	size_t text_len;
	uint64_t flushes; /* and orders: one numbering for all that is answered */
	uint64_t tick_sent, tick_back;
	int64_t next_tick_ms, tick_back_ms;
};

struct head *head_new(int fd, int64_t now_ms)
{
	struct head *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->writer = frame_writer_new(fd, HEAD_BOUND);
	if (!h->writer) {
		free(h);
		return NULL;
	}
	h->tick_back_ms = h->next_tick_ms = now_ms;
	return h;
}

void head_free(struct head *h)
{
	if (!h)
		return;
	frame_writer_free(h->writer);
	credential_erase(h->text, h->text_len);
	free(h);
}

static void refused(void *arg, const char *line)
{
	(void)arg;
	log_warnx("%s", line);
}

static void noticed(void *arg, const char *line)
{
	report_notice(arg, line);
}

/* Put the credentials in. Owns *text. 0, or -errno after a message. */
static int fill(const char *config, char **text, size_t *len)
{
	char why[CREDENTIAL_WHY], *filled = credential_fill(*text, *len, len, why);

	free(*text);
	*text = filled;
	if (filled && *len > WIRE_SETTINGS_MAX) {
		log_warnx("%s: too long with its credentials", config);
		return -EINVAL;
	}
	if (filled)
		return 0;
	log_warnx("%s: %s", config, why[0] ? why : strerror(ENOMEM));
	return why[0] ? -EINVAL : -ENOMEM;
}

int head_check_settings(const char *config)
{
	struct settings settings;
	char *text = NULL;
	size_t len = 0;
	int rc = settings_load(&settings, config, &text, &len, refused, NULL, NULL);

	if (rc == 0) {
		settings_free(&settings);
		rc = fill(config, &text, &len);
	}
	credential_erase(text, len);
	return rc == -ENOENT ? 0 : rc;
}

static int send_settings(struct head *h, const char *text, size_t len)
{
	struct wire_settings frame = {.generation = h->generation + 1, .text_len = (__u32)len};
	int rc = frame_put(h->writer, WIRE_SETTINGS, &frame, sizeof(frame), text, len);

	if (rc == 0)
		h->generation++;
	(void)frame_flush(h->writer);
	return rc;
}

int head_settings(struct head *h, const char *config, struct report *report)
{
	struct report fresh = {0};
	struct settings settings;
	char *text = NULL;
	size_t len = 0;
	int rc;

	rc = settings_load(&settings, config, &text, &len, refused, noticed, &fresh);
	if (rc == -ENOENT && h->generation == 0) {
		/* A read-only /etc: that is no reason not to watch. */
		report_notice(&fresh, "no config.json could be made: the defaults are used");
		text = settings_strip("{}", 2, &len);
		rc = text ? settings_parse(&settings, "defaults", text, len, refused, noticed, &fresh)
			  : -ENOMEM;
	}
	if (rc == 0) {
		settings_free(&settings);
		rc = fill(config, &text, &len);
	}
	if (rc == 0)
		rc = send_settings(h, text, len);
	if (rc == 0) {
		report_notices_clear(report);
		report->notices = fresh.notices;
		fresh.notices = NULL;
		credential_erase(h->text, h->text_len);
		h->text = text;
		h->text_len = len;
		text = NULL;
	}
	report_free(&fresh);
	credential_erase(text, len);
	return rc;
}

const char *head_text(const struct head *h, size_t *len)
{
	*len = h->text_len;
	return h->text;
}

void head_pass(struct head *h, const struct wire_hdr *hdr, const void *payload)
{
	(void)frame_pass(h->writer, hdr, payload);
	(void)frame_flush(h->writer);
}

unsigned head_generation(const struct head *h)
{
	return h->generation;
}

uint64_t head_flush(struct head *h)
{
	struct wire_flush flush = {.id = h->flushes + 1};

	if (frame_put(h->writer, WIRE_FLUSH, &flush, sizeof(flush), NULL, 0) < 0)
		return 0;
	(void)frame_flush(h->writer);
	return ++h->flushes;
}

uint64_t head_order(struct head *h, enum wire_order_verb verb, uid_t uid, int64_t until_s,
		    const char *program)
{
	struct wire_order order = {.id = h->flushes + 1, .until_s = until_s, .verb = verb, .uid = uid};

	order.program_len = (__u32)strlen(program);
	if (frame_put(h->writer, WIRE_ORDER, &order, sizeof(order), program, order.program_len) < 0)
		return 0;
	(void)frame_flush(h->writer);
	return ++h->flushes;
}

void head_stop(struct head *h)
{
	(void)frame_put(h->writer, WIRE_STOP, NULL, 0, NULL, 0);
	(void)frame_flush(h->writer);
}

void head_committed(struct head *h, const struct wire_committed *committed)
{
	(void)frame_put(h->writer, WIRE_COMMITTED, committed, sizeof(*committed), NULL, 0);
	(void)frame_flush(h->writer);
}

int64_t head_stuck_ms(const struct head *h)
{
	return h->tick_back > 0 ? HEAD_STUCK_MS : HEAD_START_MS;
}

int head_tick(struct head *h, int64_t now_ms)
{
	struct wire_tick tick = {.sequence = h->tick_sent + 1};
	unsigned every = notify_watchdog_ms() / 3;

	if (now_ms < h->next_tick_ms)
		return 0;
	if (h->tick_back < h->tick_sent && now_ms - h->tick_back_ms >= head_stuck_ms(h))
		return -ETIMEDOUT;
	/* When all heartbeats were back, the wait for this one begins now. */
	if (h->tick_back == h->tick_sent)
		h->tick_back_ms = now_ms;
	if (frame_put(h->writer, WIRE_TICK, &tick, sizeof(tick), NULL, 0) == 0)
		h->tick_sent++;
	(void)frame_flush(h->writer);
	h->next_tick_ms = now_ms + (every > 0 && every < TICK_MS ? every : TICK_MS);
	return 0;
}

int64_t head_next_tick_ms(const struct head *h)
{
	return h->next_tick_ms;
}

bool head_tick_back(struct head *h, uint64_t sequence, int64_t now_ms)
{
	if (sequence > h->tick_sent || sequence <= h->tick_back)
		return false;
	h->tick_back = sequence;
	h->tick_back_ms = now_ms;
	return true;
}

bool head_write(struct head *h)
{
	return frame_flush(h->writer) == -EAGAIN;
}

bool head_waits(const struct head *h)
{
	return frame_pending(h->writer) > 0;
}
