// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * report.c - see report.h. Nothing repeats endlessly: of each kind of loss one line a minute with the sums
 * since the last, of errors ten a minute; the rows in snitch.db have each one.
 */
#include "config/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/log.h"
#include "config/utf8.h"
#include "config/wire_check.h"

#define QUIET_MS 60000
#define ERRORS_PER_MINUTE 10
#define TIME_TEXT_SIZE 32

void report_free(struct report *r)
{
	int stage;

	for (stage = 0; stage < WIRE_STAGE__MAX; stage++) {
		free(r->coverage[stage]);
		free(r->messages[stage]);
	}
	for (stage = 0; stage < WIRE_STAGE__MAX; stage++)
		free(r->sink_error[stage]);
	free(r->notices);
	memset(r, 0, sizeof(*r));
}

void report_notices_clear(struct report *r)
{
	free(r->notices);
	r->notices = NULL;
}

void report_notice(struct report *r, const char *line)
{
	size_t len = r->notices ? strlen(r->notices) : 0, more = strlen(line);
	char *grown;

	log_info("%s", line);
	if (len + more + 2 > REPORT_NOTICES_MAX || !(grown = realloc(r->notices, len + more + 2)))
		return;
	memcpy(grown + len, line, more);
	memcpy(grown + len + more, "\n", 2);
	r->notices = grown;
}

void report_ready(struct report *r, const struct wire_ready *ready)
{
	const char *text = (const char *)(ready + 1);

	free(r->coverage[ready->stage]);
	r->coverage[ready->stage] = strndup(text, ready->text_len);
}

bool report_all_ready(const struct report *r)
{
	int stage;

	for (stage = WIRE_STAGE_COLLECTOR; stage < WIRE_CHAIN_END; stage++)
		if (!r->coverage[stage])
			return false;
	return true;
}

/* Call each with every line of text. */
static void each_line(const char *text, void (*each)(FILE *, const char *key, const char *line, size_t len),
		      FILE *f, const char *key)
{
	size_t len;

	for (; text && *text; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		if (len > 0)
			each(f, key, text, len);
	}
}

static void join_line(FILE *f, const char *key, const char *line, size_t len)
{
	(void)key;
	if (strncmp(line, "refused ", 8) != 0) /* in `status`; what of it matters is NOT PROVEN too */
		fprintf(f, "; %.*s", (int)len, line);
}

static void warn_unproven(FILE *f, const char *key, const char *line, size_t len)
{
	(void)f;
	if (len > 10 && memcmp(line, "NOT PROVEN", 10) == 0)
		log_warnx("%s: %.*s", key, (int)len, line);
}

void report_say_ready(const struct report *r)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int stage;

	for (stage = WIRE_STAGE_COLLECTOR; f && stage < WIRE_STAGE__MAX; stage++)
		each_line(r->coverage[stage], join_line, f, NULL);
	if (f)
		fclose(f);
	log_info("ready%s", text ? text : "");
	free(text);
	for (stage = WIRE_STAGE_COLLECTOR; stage < WIRE_STAGE__MAX; stage++)
		each_line(r->coverage[stage], warn_unproven, NULL, wire_stage_name((unsigned)stage));
}

static void was_said(struct report_loss *l, int64_t now_ms)
{
	l->said_times = l->times;
	l->said_records = l->records;
	l->said_bytes = l->bytes;
	l->said_ms = now_ms;
}

static void say_loss(struct report_loss *l, const char *kind, const char *stage, const char *detail,
		     size_t len, int64_t now_ms)
{
	log_warnx("%s: lost (%s): %" PRIu64 " records, %" PRIu64 " bytes%s%.*s", stage, kind,
		  l->records - l->said_records, l->bytes - l->said_bytes, len ? ": " : "", (int)len, detail);
	was_said(l, now_ms);
}

/* What came since it was last said; some losses have neither records nor bytes. */
static void say_again(struct report_loss *l, const char *kind, int64_t now_ms)
{
	log_warnx("lost (%s) %" PRIu64 " times more: %" PRIu64 " records, %" PRIu64 " bytes", kind,
		  (uint64_t)(l->times - l->said_times), l->records - l->said_records,
		  l->bytes - l->said_bytes);
	was_said(l, now_ms);
}

void report_loss(struct report *r, const struct wire_loss *loss, int64_t now_ms)
{
	struct report_loss *l = &r->losses[loss->kind];

	l->times++;
	l->records += loss->records;
	l->bytes += loss->bytes;
	if (l->said_ms == 0 || now_ms - l->said_ms >= QUIET_MS)
		say_loss(l, wire_loss_name(loss->kind), wire_stage_name(loss->stage),
			 (const char *)(loss + 1), loss->detail_len, now_ms);
}

/* "" when there is none. */
static const char *time_text(wire_ns ns, char text[TIME_TEXT_SIZE])
{
	time_t seconds = (time_t)(ns / 1000000000ull);
	struct tm tm;

	if (ns == 0 || !gmtime_r(&seconds, &tm) ||
	    strftime(text, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		text[0] = '\0';
	return text;
}

/* For `status`: what a stage said last is how it is, "cannot be written" until "is written again". */
static void keep_message(struct report *r, const struct wire_error *error)
{
	char *text, when[TIME_TEXT_SIZE];

	if (asprintf(&text, "%s %.*s", time_text(error->time_ns, when), (int)error->text_len,
		     (const char *)(error + 1)) < 0)
		return;
	free(r->messages[error->stage]);
	r->messages[error->stage] = text;
}

void report_error(struct report *r, const struct wire_error *error, int64_t now_ms)
{
	keep_message(r, error);
	report_tick(r, now_ms);
	if (r->errors_said == 0)
		r->errors_ms = now_ms;
	if (r->errors_said++ < ERRORS_PER_MINUTE)
		log_warnx("%s: %.*s", wire_stage_name(error->stage), (int)error->text_len,
			  (const char *)(error + 1));
	else
		r->errors_kept++;
}

void report_committed(struct report *r, const struct wire_committed *c)
{
	r->window_ns = c->to_ns;
	r->commit_us = c->commit_us;
	r->rows += c->rows;
	r->windows++;
}

void report_interfaces(struct report *r, const struct wire_interfaces *interfaces)
{
	r->interfaces = *interfaces;
}

void report_sink(struct report *r, const struct wire_sink *sink)
{
	r->sinks[sink->stage] = *sink;
	r->sink_said[sink->stage] = true;
	free(r->sink_error[sink->stage]);
	r->sink_error[sink->stage] =
		sink->text_len ? strndup((const char *)(sink + 1), sink->text_len) : NULL;
}

void report_tick(struct report *r, int64_t now_ms)
{
	int kind;

	for (kind = 0; kind < WIRE_LOSS__MAX; kind++) {
		struct report_loss *l = &r->losses[kind];

		if (l->said_times != l->times && now_ms - l->said_ms >= QUIET_MS)
			say_again(l, wire_loss_name((unsigned)kind), now_ms);
	}
	if (r->errors_said > 0 && now_ms - r->errors_ms >= QUIET_MS) {
		if (r->errors_kept > 0)
			log_warnx("%" PRIu64 " more errors in that minute: see error.log", r->errors_kept);
		r->errors_said = 0;
		r->errors_kept = 0;
	}
}

static void print_line(FILE *f, const char *key, const char *line, size_t len)
{
	char shown[1024];

	utf8_escape(shown, sizeof(shown), line, len);
	fprintf(f, "%s: %s\n", key, shown);
}

/* Three digits and a unit, as `query` shows bytes. */
static void print_bytes(FILE *f, double bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double size = bytes < 0 ? -bytes : bytes;
	size_t unit = 0;

	while (size >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		size /= 1000;
		unit++;
	}
	fprintf(f, "%s%.*f %s", bytes < 0 ? "-" : "",
		unit == 0 || size >= 99.95 ? 0
		: size >= 9.995		   ? 1
					   : 2,
		size, units[unit]);
}

/* What the interfaces moved and no program did. Headers are known per packet only between two bounds, so this
 * is, too. */
static void print_rest(FILE *f, const struct wire_interfaces *in)
{
	double all = (double)in->sent_bytes + (double)in->received_bytes;
	double programs = (double)in->program_sent + (double)in->program_received;
	double rest = all - programs - (double)in->header_bytes;
	double least = all - programs - (double)in->packets * WIRE_HEADER_MAX;
	double most = all - programs - (double)in->packets * WIRE_HEADER_MIN;

	fputs("traffic without a program: ", f);
	print_bytes(f, rest);
	fprintf(f, ", %.1f %% (an estimate, between %.1f and %.1f %%)", rest / all * 100, least / all * 100,
		most / all * 100);
	fputs(most < 0 ? ": below zero, some bytes were counted twice, as behind a proxy or VPN\n"
		       : ": sent again, handshakes, ARP, forwarded for others\n",
	      f);
}

static void print_interfaces(FILE *f, const struct wire_interfaces *in)
{
	double all = (double)in->sent_bytes + (double)in->received_bytes;
	unsigned seconds = (unsigned)(in->covered_ms / 1000);
	char when[TIME_TEXT_SIZE];

	if (in->to_ns == 0)
		return;
	fputs("traffic of interfaces: ", f);
	print_bytes(f, all);
	if (seconds < 120)
		fprintf(f, " in %u s", seconds);
	else
		fprintf(f, " in %u h %u min", seconds / 3600, seconds / 60 % 60);
	fprintf(f, " until %s\n", time_text(in->to_ns, when));
	fputs("traffic of programs over them: ", f);
	print_bytes(f, (double)in->program_sent + (double)in->program_received);
	fputs(", and headers of about ", f);
	print_bytes(f, (double)in->header_bytes);
	fputc('\n', f);
	if (all > 0)
		print_rest(f, in);
}

static void print_sinks(const struct report *r, FILE *f)
{
	static const char *const names[WIRE_STAGE__MAX] = {
		[WIRE_STAGE_POSTGRES] = "PostgreSQL", [WIRE_STAGE_MARIADB] = "MariaDB"};
	char when[TIME_TEXT_SIZE], key[48];
	int i;

	for (i = WIRE_CHAIN_END; i < WIRE_STAGE__MAX; i++) {
		const struct wire_sink *s = &r->sinks[i];

		if (!r->sink_said[i])
			continue;
		fprintf(f, "copy %s: %" PRIu64 " rows sent, ", names[i], (uint64_t)s->rows);
		if (s->behind_rows)
			fprintf(f, "%" PRIu64 " wait, the oldest for %" PRIu64 " s", (uint64_t)s->behind_rows,
				(uint64_t)s->behind_s);
		else
			fputs("none waits", f);
		fprintf(f, ", last success %s\n", s->success_ns ? time_text(s->success_ns, when) : "never");
		snprintf(key, sizeof(key), "copy %s, last error", names[i]);
		if (r->sink_error[i])
			fprintf(f, "%s: %s %s\n", key, time_text(s->error_ns, when), r->sink_error[i]);
	}
}

void report_print(const struct report *r, FILE *f)
{
	char key[32], when[TIME_TEXT_SIZE];
	int i;

	fprintf(f, "rows: %" PRIu64 "\nwindows: %" PRIu64 "\n", r->rows, r->windows);
	if (r->window_ns != 0)
		fprintf(f, "last window: %s\n", time_text(r->window_ns, when));
	if (r->windows > 0)
		fprintf(f, "last commit ms: %" PRIu64 ".%03u\n", r->commit_us / 1000,
			(unsigned)(r->commit_us % 1000));
	print_interfaces(f, &r->interfaces);
	print_sinks(r, f);
	for (i = WIRE_STAGE_COLLECTOR; i < WIRE_STAGE__MAX; i++) {
		snprintf(key, sizeof(key), "coverage %s", wire_stage_name((unsigned)i));
		each_line(r->coverage[i], print_line, f, key);
	}
	for (i = WIRE_STAGE_COLLECTOR; i < WIRE_STAGE__MAX; i++) {
		snprintf(key, sizeof(key), "last message %s", wire_stage_name((unsigned)i));
		each_line(r->messages[i], print_line, f, key);
	}
	for (i = 0; i < WIRE_LOSS__MAX; i++) {
		const struct report_loss *l = &r->losses[i];

		if (l->times > 0)
			fprintf(f, "loss %s: %" PRIu64 " times, %" PRIu64 " records, %" PRIu64 " bytes\n",
				wire_loss_name((unsigned)i), l->times, l->records, l->bytes);
	}
	each_line(r->notices, print_line, f, "notice");
}
