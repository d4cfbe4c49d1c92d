// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * log.c - see log.h. Each message is put together on the stack and leaves in one write(2) of at most PIPE_BUF
 * bytes, which the kernel does not cut in two when several processes share the pipe behind stderr.
 */
#include "config/log.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/utf8.h"

enum priority {
	PRIORITY_ERROR = 3,
	PRIORITY_WARNING = 4,
	PRIORITY_INFO = 6,
	PRIORITY_DEBUG = 7,
};

static const char *log_name = "femtosnitch";
static bool log_debug_on;
static bool log_to_journal;

void log_open(const char *name, int debug)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	log_name = name;
	log_debug_on = debug != 0;
	/* The variable is inherited; it is about our stderr only if it names the very same file. */
	log_to_journal = stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 && fstat(2, &st) == 0 &&
			 st.st_dev == dev && st.st_ino == ino;
}

static void say(enum priority priority, int err, const char *fmt, va_list ap)
{
	char text[PIPE_BUF], line[PIPE_BUF];
	int saved = errno, n;
	size_t len, at;
	ssize_t done;

	n = vsnprintf(text, sizeof(text), fmt, ap);
	len = n < 0 ? 0 : (size_t)n;
	if (len >= sizeof(text))
		len = sizeof(text) - 1; /* longer than the line may be: escaping says "..." at the end */
	else if (err)
		len += (size_t)snprintf(text + len, sizeof(text) - len, ": %s", strerror(err));
	if (len >= sizeof(text))
		len = sizeof(text) - 1;
	n = log_to_journal ? snprintf(line, sizeof(line), "<%d>%s: ", (int)priority, log_name)
			   : snprintf(line, sizeof(line), "%s: ", log_name);
	at = (size_t)n;
	at += utf8_escape(line + at, sizeof(line) - 1 - at, text, len);
	line[at++] = '\n';
	do
		done = write(2, line, at);
	while (done < 0 && errno == EINTR);
	errno = saved;
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(PRIORITY_WARNING, errno, fmt, ap);
	va_end(ap);
}

void log_warnx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(PRIORITY_WARNING, 0, fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(PRIORITY_INFO, 0, fmt, ap);
	va_end(ap);
}

void log_debug(const char *fmt, ...)
{
	va_list ap;

	if (!log_debug_on)
		return;
	va_start(ap, fmt);
	say(PRIORITY_DEBUG, 0, fmt, ap);
	va_end(ap);
}

void fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(PRIORITY_ERROR, errno, fmt, ap);
	va_end(ap);
	exit(1);
}

void fatalx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(PRIORITY_ERROR, 0, fmt, ap);
	va_end(ap);
	exit(1);
}
