// SPDX-License-Identifier: GPL-2.0-or-later
/* empty.c - see empty.h. Looks, from near to far, at the log, the filter, the time, the settings,
 * the daemon. */
#include "view/empty.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "config/log.h"
#include "config/settings.h"
#include "view/ask.h"
#include "view/buffer.h"
#include "view/control.h"
#include "view/paths.h"
#include "view/when.h"

const char *empty_start_hint(const char *state_dir, char *text, size_t size)
{
	if (!strcmp(state_dir, PATHS_STATE_DIR))
		snprintf(text, size, "sudo femtosnitch start");
	else
		snprintf(text, size, "sudo femtosnitch run --state-dir %s", state_dir);
	return text;
}

/* Does the config.json at path switch the log off? Not if it cannot be read or understood: check-config is
 * there to say that. */
static bool switches_off(const char *path)
{
	struct settings settings;
	bool off;

	if (settings_load(&settings, path, NULL, NULL, NULL, NULL, NULL) != 0)
		return false;
	off = !settings.sql_log;
	settings_free(&settings);
	return off;
}

static void say_settings(const char *state_dir)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/config.json", state_dir);
	if (switches_off(path) || (!strcmp(state_dir, PATHS_STATE_DIR) &&
				   (strcpy(path, SYSCONFDIR "/femtosnitch/config.json"), switches_off(path))))
		log_warnx("\"DB sql log\" is false in %s: connections are not kept here", path);
}

static void say_daemon(const char *state_dir)
{
	char hint[PATH_MAX + 64];
	int rc = control_running(state_dir);

	if (rc == -ENOENT || rc == -ECONNREFUSED)
		log_warnx("the daemon is not running: %s", empty_start_hint(state_dir, hint, sizeof(hint)));
}

static void say_nothing_logged(sqlite3 *db, const struct query *q, int64_t now)
{
	char text[WHEN_TEXT_SIZE], span[WHEN_TEXT_SIZE];
	int64_t started;

	if (ask_number(db, q, query_started, &started) == 0 && started > 0)
		log_warnx("the log is empty: no traffic has been recorded since the start at %s (%s ago)",
			  when_text(started, text), when_span(now - started, span));
	else
		log_warnx("the log is empty: no traffic has been recorded yet");
}

static void add_near(void *arg, const char *text, size_t len)
{
	struct buffer *b = arg;

	if (b->len)
		buffer_text(b, ", ");
	buffer_add(b, text, len);
}

static const char *noun(const struct query *q)
{
	return q->question->argument == QUERY_PROGRAM ? "program" : q->question->name;
}

/* The filter matches nothing in all of the log. */
static void say_no_match(sqlite3 *db, const struct query *q)
{
	struct buffer near = {0};
	int64_t known;

	if (query_known(q->question) && ask_number(db, q, query_known(q->question), &known) == 0) {
		log_warnx("%s %s is known, but has not used the network", noun(q), q->argument);
		return;
	}
	log_warnx("no %s %s in the log", noun(q), q->argument);
	if (query_near(q->question))
		ask_texts(db, q, query_near(q->question), add_near, &near);
	if (near.len && !near.failed)
		log_warnx("like it: %.*s", (int)near.len, near.data);
	buffer_free(&near);
}

static void say_outside(sqlite3 *db, const struct query *q, int64_t last, int64_t now)
{
	char text[WHEN_TEXT_SIZE], other[WHEN_TEXT_SIZE];
	int64_t first;

	if (q->from > last)
		log_warnx("nothing recorded since %s: the newest row is from %s (%s ago)",
			  when_text(q->from, text), when_text(last, other),
			  when_span(now - last, (char[WHEN_TEXT_SIZE]){0}));
	else if (ask_number(db, q, query_first_time, &first) == 0 && q->to <= first)
		log_warnx("nothing recorded until %s: the oldest row is from %s", when_text(q->to, text),
			  when_text(first, other));
	else
		log_warnx("%s in this time; the newest row of the log is from %s",
			  !strcmp(q->question->name, "new") ? "no program used the network for the first time"
							    : "nothing recorded",
			  when_text(last, text));
}

static void say_filter(sqlite3 *db, const struct query *q, int64_t last, int64_t now)
{
	char text[WHEN_TEXT_SIZE];
	int64_t match;

	if (ask_number(db, q, query_last_match(q->question), &match) != 0) {
		say_no_match(db, q);
		return;
	}
	when_text(match, text);
	if (q->question->argument != QUERY_PROGRAM)
		text[strlen("2026-11-20")] = '\0'; /* known to the day */
	log_warnx("%s %s is in the log, but not in this time: last on %s", q->question->name, q->argument,
		  text);
	if (q->from > last)
		say_outside(db, q, last, now);
}

void empty_explain(sqlite3 *db, const struct query *q, const char *state_dir, int64_t now)
{
	int64_t last;

	if (!strcmp(q->question->name, "losses"))
		log_warnx("no loss is known in this time");
	else if (!strcmp(q->question->name, "coverage"))
		log_warnx("femtosnitch had not been started by then");
	else if (!strcmp(q->question->name, "notices"))
		log_warnx("nothing was told in this time");
	else if (!strcmp(q->question->name, "unacknowledged"))
		log_warnx("every program that used the network in this time is acknowledged");
	else if (!strcmp(q->question->name, "muted"))
		log_warnx("no program is muted");
	else if (!strcmp(q->question->name, "why"))
		say_no_match(db, q);
	else if (ask_number(db, q, query_last_time, &last) != 0)
		say_nothing_logged(db, q, now);
	else if (q->question->argument == QUERY_SQL)
		log_warnx("no row matched; the newest row of the log is from %s",
			  when_text(last, (char[WHEN_TEXT_SIZE]){0}));
	else if (query_last_match(q->question))
		say_filter(db, q, last, now);
	else
		say_outside(db, q, last, now);
	say_settings(state_dir);
	say_daemon(state_dir);
}
