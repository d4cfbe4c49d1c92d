// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * textlog.c - see textlog.h.
 */
#include "store/textlog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config/log.h"
#include "config/utf8.h"
#include "store/text.h"

void textlog_open(struct textlog *t, const char *dir, const char *name)
{
	memset(t, 0, sizeof(*t));
	if (snprintf(t->path, sizeof(t->path), "%s/%s", dir, name) >= (int)sizeof(t->path))
		t->path[0] = '\0';
}

static int failed(struct textlog *t, int error)
{
	if (t->failed != error) {
		errno = error;
		log_warn("%s: write", t->path);
	}
	t->failed = error;
	return -error;
}

/* Opened by name each time: a log that was rotated away is left alone, and nothing is kept in memory for the
 * hours in which there may be no line. */
static FILE *start(struct textlog *t)
{
	int fd = open(t->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "a");

	if (!file) {
		failed(t, errno);
		if (fd >= 0)
			close(fd);
	}
	return file;
}

static int finish(struct textlog *t, FILE *file)
{
	int wrong = ferror(file);

	errno = 0;
	if (fclose(file) != 0 || wrong)
		return failed(t, errno ? errno : EIO);
	t->failed = 0;
	return 0;
}

static void put_time(FILE *file, int64_t time_s, const char *format)
{
	time_t t = (time_t)time_s;
	char text[40];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), format, &tm);
	fputs(text, file);
}

/* Commas and ends of lines go, as in picosnitch. People read this with cat and tail -f: what a terminal would
 * obey is escaped. */
static void put_text(FILE *file, const char *text)
{
	char shown[4 * 4 + 1];
	size_t n;

	putc(',', file);
	for (; text && *text; text += n) {
		n = 1;
		if (strchr(",\n\r", *text))
			continue;
		if (*text >= ' ' && *text < 0x7f) {
			putc(*text, file);
			continue;
		}
		n = utf8_length(text, strlen(text));
		n = n ? n : 1;
		utf8_escape(shown, sizeof(shown), text, n);
		fputs(shown, file);
	}
}

static void put_program(FILE *file, const struct image *i, int log_commands)
{
	const struct program *p = i ? i->command->program : NULL;
	size_t n;

	put_text(file, p ? p->exe : NULL);
	put_text(file, p ? p->name : NULL);
	put_text(file, p && log_commands ? i->command->cmdline : NULL);
	putc(',', file);
	for (n = 0; p && p->hash_error == WIRE_HASH_OK && n < sizeof(p->sha256); n++)
		fprintf(file, "%02x", p->sha256[n]);
}

static void put_address(FILE *file, const struct batch_key *key, const uint8_t *addr, int known)
{
	char text[TEXT_ADDRESS_SIZE];

	put_text(file, known && !key->addresses_off ? text_address(text, key->family, addr) : NULL);
}

static void put_row(FILE *file, const struct batch_entry *e, int log_commands)
{
	const struct batch_key *key = &e->key;
	const struct name *best = names_best(&key->names);

	put_time(file, e->sums.first_s, "%Y-%m-%dT%H:%M:%SZ");
	fprintf(file, ",%llu,%llu", (unsigned long long)e->sums.sent_bytes,
		(unsigned long long)e->sums.received_bytes);
	put_program(file, key->image, log_commands);
	put_program(file, key->image ? key->image->parent : NULL, log_commands);
	fprintf(file, ",%u,%d,%d", key->uid, key->lport, key->rport);
	put_address(file, key, key->laddr, 1);
	put_address(file, key, key->raddr, key->peer >= 0 && key->peer != WIRE_PEER_UNKNOWN);
	put_text(file, best ? best->text : NULL);
	putc('\n', file);
}

int textlog_rows(struct textlog *t, const struct batch *b, int log_commands)
{
	const struct batch_entry *entries = batch_entries(b);
	FILE *file;
	size_t i;

	if (batch_count(b) == 0)
		return 0;
	if (!(file = start(t)))
		return -t->failed;
	for (i = 0; i < batch_count(b); i++)
		put_row(file, &entries[i], log_commands);
	return finish(t, file);
}

int textlog_message(struct textlog *t, wire_ns time, const char *stage, const char *text, size_t len)
{
	char line[WIRE_TEXT_MAX * 2];
	FILE *file = start(t);

	if (!file)
		return -t->failed;
	utf8_escape(line, sizeof(line), text, len);
	put_time(file, (int64_t)(time / 1000000000u), "%Y-%m-%d %H:%M:%S");
	fprintf(file, " %s: %s\n", stage ? stage : "?", line);
	return finish(t, file);
}

/* At most size bytes of text that harm no terminal and hold no blank where words are counted. */
static const char *shown(char *buf, size_t size, const char *text)
{
	utf8_escape(buf, size, text ? text : "?", text ? strlen(text) : 1);
	return buf;
}

void textlog_exe(FILE *f, int64_t time_s, const char *who, const char *path, const char *what,
		 const char *more)
{
	char name[WIRE_COMM_SIZE * 4 + 4], file[WIRE_PATH_MAX * 4 + 4];

	put_time(f, time_s, "%Y-%m-%d %H:%M:%S");
	fprintf(f, " %-16.16s %s (%s)%s\n", shown(name, sizeof(name), who), shown(file, sizeof(file), path),
		what, more);
}

int textlog_append(struct textlog *t, const char *lines, size_t len)
{
	FILE *file = start(t);

	if (!file)
		return -t->failed;
	(void)fwrite(lines, 1, len, file);
	return finish(t, file);
}
