// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stage.c - see stage.h.
 */
#include "config/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "config/handover.h"
#include "config/log.h"
#include "config/utf8.h"

static const char *const names[WIRE_STAGE__MAX] = {
	[WIRE_STAGE_SUPERVISOR] = "femtosnitch",	[WIRE_STAGE_COLLECTOR] = "femtosnitch-collector",
	[WIRE_STAGE_HASHER] = "femtosnitch-hasher",	[WIRE_STAGE_STORE] = "femtosnitch-store",
	[WIRE_STAGE_NOTICES] = "femtosnitch-notices",	[WIRE_STAGE_VIRUSTOTAL] = "femtosnitch-virustotal",
	[WIRE_STAGE_POSTGRES] = "femtosnitch-postgres", [WIRE_STAGE_NAMES] = "femtosnitch-names",
	[WIRE_STAGE_MARIADB] = "femtosnitch-mariadb",	[WIRE_STAGE_REVERSE] = "femtosnitch-reverse",
};

static unsigned number(const char *option, const char *text)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno || value >= (uid_t)-1)
		fatalx("--%s: found %s, allowed: a number", option, text);
	return (unsigned)value;
}

static void parse_arguments(struct stage *s, int argc, char **argv)
{
	static const struct option options[] = {
		{"state-dir", required_argument, NULL, 's'},
		{"log-dir", required_argument, NULL, 'l'},
		{"uid", required_argument, NULL, 'u'},
		{"gid", required_argument, NULL, 'g'},
		{"handover", no_argument, NULL, 'h'},
		{"debug", no_argument, NULL, 'd'},
		{NULL, 0, NULL, 0},
	};
	bool uid = false, gid = false, debug = false;
	int c;

	optind = 1;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			s->state_dir = optarg;
			break;
		case 'l':
			s->log_dir = optarg;
			break;
		case 'u':
			s->uid = number("uid", optarg), uid = true;
			break;
		case 'g':
			s->gid = number("gid", optarg), gid = true;
			break;
		case 'h':
			s->handover = HANDOVER_FD;
			(void)fcntl(HANDOVER_FD, F_SETFD, FD_CLOEXEC);
			break;
		case 'd':
			debug = true;
			break;
		default:
			fatalx("unknown argument %s", argv[optind - 1]);
		}
	}
	if (!s->state_dir || !s->log_dir || !uid || !gid || optind != argc)
		fatalx("this is a part of femtosnitch and not to be started by hand: see `femtosnitch help`");
	log_open(names[s->id], debug);
}

static void take_settings(struct stage *s, const struct wire_settings *head)
{
	if (stage_settings(s, head) != 0)
		fatalx("the first settings were refused");
	if (frame_flush(s->out) == -EPIPE)
		fatalx("the next stage is gone");
}

/* The first frame of all; nothing works without it, so this waits. */
static void wait_for_settings(struct stage *s)
{
	struct pollfd in = {.fd = 0, .events = POLLIN};
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	int rc;

	while ((rc = frame_next(s->in, &hdr, &payload, &why)) == 0) {
		/* No more than that frame: who polls next must find the pipe readable for what follows. */
		rc = frame_fill_one(s->in);
		if (rc == 0 && frame_cut(s->in))
			fatalx("the first frame was cut");
		if (rc == 0)
			exit(0);
		if (rc < 0 && rc != -EAGAIN) {
			errno = -rc;
			fatal("standard input");
		}
		if (rc == -EAGAIN && poll(&in, 1, -1) < 0 && errno != EINTR)
			fatal("poll");
	}
	if (rc < 0)
		fatalx("broken frame: %s", why);
	if (hdr->type != WIRE_SETTINGS)
		fatalx("broken peer: record %u before the settings", hdr->type);
	take_settings(s, payload);
}

void stage_start(struct stage *s, enum wire_stage id, size_t out_bound, int argc, char **argv)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
	sigset_t none;
	size_t i;

	memset(s, 0, sizeof(*s));
	s->id = id;
	s->handover = -1;
	log_open(names[id], 0);
	parse_arguments(s, argc, argv);
	for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(027);
	s->in = frame_reader_new(0);
	s->out = frame_writer_new(1, out_bound);
	if (!s->in || !s->out)
		fatalx("no memory");
	wait_for_settings(s);
}

static void refused(void *arg, const char *line)
{
	(void)arg;
	log_warnx("%s", line);
}

int stage_settings(struct stage *s, const struct wire_settings *head)
{
	const char *text = (const char *)(head + 1);
	struct settings fresh;
	int rc;

	rc = settings_parse(&fresh, "settings", text, head->text_len, refused, NULL, NULL);
	if (rc == 0) {
		settings_free(&s->settings);
		s->settings = fresh;
		s->settings_generation = head->generation;
	}
	/* Also when this stage could not: the others see the same text and decide for themselves. */
	if (frame_put(s->out, WIRE_SETTINGS, head, sizeof(*head), text, head->text_len) == -ENOBUFS &&
	    rc == 0)
		rc = -ENOBUFS;
	return rc;
}

bool stage_take(struct stage *s, stage_taken *taken, void *arg)
{
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	int rc, got = frame_fill(s->in);

	while ((rc = frame_next(s->in, &hdr, &payload, &why)) > 0)
		taken(arg, hdr, payload);
	if (rc < 0)
		fatalx("broken frame: %s", why);
	return got > 0 || got == -EAGAIN;
}

wire_ns stage_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (wire_ns)ts.tv_sec * 1000000000ull + (wire_ns)ts.tv_nsec;
}

/* Text of a record: valid UTF-8 without NUL, as the contract has it, and cut between characters. Names of
 * programs and files end up in here, so control characters are escaped too, newlines (which separate the
 * items of WIRE_READY) excepted. */
static size_t clean(char *dst, size_t size, const char *text)
{
	size_t out = 0, line;

	for (;;) {
		line = strcspn(text, "\n");
		out += utf8_escape(dst + out, size - out, text, line);
		if (text[line] == '\0' || size - out < 8)
			return out;
		dst[out++] = '\n';
		text += line + 1;
	}
}

int stage_ready(struct stage *s, const char *text)
{
	struct wire_ready head = {.stage = s->id};
	char buf[WIRE_TEXT_MAX];

	head.text_len = (__u32)clean(buf, sizeof(buf), text);
	return frame_put(s->out, WIRE_READY, &head, sizeof(head), buf, head.text_len);
}

static size_t format(char *dst, size_t size, const char *fmt, va_list ap)
{
	char raw[WIRE_TEXT_MAX];

	if (vsnprintf(raw, sizeof(raw), fmt, ap) < 0)
		raw[0] = '\0';
	return clean(dst, size, raw);
}

int stage_error(struct stage *s, const char *fmt, ...)
{
	struct wire_error head = {.time_ns = stage_now(), .stage = s->id};
	char buf[WIRE_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	head.text_len = (__u32)format(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	return frame_put(s->out, WIRE_ERROR, &head, sizeof(head), buf, head.text_len);
}

int stage_loss(struct stage *s, enum wire_loss_kind kind, wire_ns from_ns, wire_ns to_ns, uint64_t records,
	       uint64_t bytes, const char *fmt, ...)
{
	struct wire_loss head = {.from_ns = from_ns, .to_ns = to_ns, .records = records, .bytes = bytes};
	char buf[WIRE_TEXT_MAX];
	va_list ap;

	if (head.from_ns == 0)
		head.from_ns = stage_now();
	if (head.to_ns == 0)
		head.to_ns = head.from_ns;
	head.kind = kind;
	head.stage = s->id;
	va_start(ap, fmt);
	head.detail_len = (__u32)format(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	return frame_put(s->out, WIRE_LOSS, &head, sizeof(head), buf, head.detail_len);
}
